type MetadataKey = string | symbol;
type Metadata = Map<MetadataKey, unknown>;

/** The part of the Reflect metadata proposal that the package's own parts are put together with. */
interface Reflection {
  getMetadata?: (key: MetadataKey, target: object) => unknown;
  getOwnMetadata?: (key: MetadataKey, target: object) => unknown;
  defineMetadata?: (key: MetadataKey, value: unknown, target: object) => void;
}

/** Loads @peculiar/x509, which takes 25 MB: only a hub that issues certificates needs it. */
export async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  provideReflection(Reflect as Reflection);
  return import("@peculiar/x509");
}

/** The package refuses to load without these functions and brings none itself. */
function provideReflection(reflect: Reflection): void {
  if (reflect.getMetadata) return;
  const kept = new WeakMap<object, Metadata>();
  const get = (key: MetadataKey, target: object) => kept.get(target)?.get(key);
  reflect.getMetadata = get;
  reflect.getOwnMetadata = get;
  reflect.defineMetadata = (key, value, target) => {
    const metadata: Metadata = kept.get(target) ?? new Map();
    kept.set(target, metadata.set(key, value));
  };
}
