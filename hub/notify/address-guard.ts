import { BlockList, isIP, isIPv6 } from "node:net";

const PRIVATE_V4 = [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const;
const PRIVATE_V6 = [
  ["::1", 128],
  ["fc00::", 7],
] as const;
/** Never a sensible receiver: link-local with the cloud metadata service, multicast, reserved, tunnels. */
const NEVER_V4 = [
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;
const NEVER_V6 = [
  ["::", 128],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 32],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fe80::", 10],
  ["fec0::", 10],
  ["fd00:ec2::254", 128],
  ["ff00::", 8],
] as const;

type Range = readonly [address: string, bits: number];

function listOf(v4: readonly Range[], v6: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of v4) list.addSubnet(address, bits, "ipv4");
  for (const [address, bits] of v6) list.addSubnet(address, bits, "ipv6");
  return list;
}

const PRIVATE = listOf(PRIVATE_V4, PRIVATE_V6);
const NEVER = listOf(NEVER_V4, NEVER_V6);

/** Why an IP address (`::ffff:10.0.0.1` counts as 10.0.0.1) may not be connected to, or undefined when it may. */
export function refusedAddress(address: string, allowPrivate: boolean): string | undefined {
  if (isIP(address) === 0) return `${address} is not an IP address`;
  const plain = address.replace(/%.*$/, "");
  const family = isIPv6(plain) ? "ipv6" : "ipv4";
  if (NEVER.check(plain, family)) return `${address} is not an address of a receiver`;
  if (allowPrivate || !PRIVATE.check(plain, family)) return undefined;
  return `${address} is a private address; needs allowPrivate: true`;
}

/**
 * Why the host of a URL may not be a target, as far as its name alone shows; a name that must be
 * looked up is judged by `refusedAddress` when it is.
 */
export function isRefusedTarget(urlHost: string, allowPrivate: boolean): string | undefined {
  const host = urlHost.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (isIP(host)) return refusedAddress(host, allowPrivate);
  const local = host === "localhost" || host.endsWith(".localhost");
  return local && !allowPrivate ? `${host} is this machine; needs allowPrivate: true` : undefined;
}
