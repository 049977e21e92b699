/** The part of net-snmp 3.29 that Plenum uses. */
declare module "net-snmp" {
  import { EventEmitter } from "node:events";

  export const Version2c: number;
  export const ObjectType: { Integer: number; OctetString: number; Gauge: number };
  export const SecurityLevel: { authNoPriv: number; authPriv: number };
  export const AuthProtocols: Record<"sha" | "sha256" | "sha384" | "sha512", number>;
  export const PrivProtocols: Record<"aes" | "aes256b" | "aes256r", number>;

  export interface User {
    name: string;
    level: number;
    authProtocol: number;
    authKey: string;
    privProtocol?: number;
    privKey?: string;
  }
  export interface SessionOptions {
    version?: number;
    trapPort?: number;
    port?: number;
    timeout?: number;
    retries?: number;
    transport?: "udp4" | "udp6";
    engineID?: string;
    idBitsSize?: 16 | 32;
  }
  export interface Varbind {
    oid: string;
    type: number;
    value: string | number | Buffer;
  }
  export interface SecurityParameters {
    msgAuthoritativeEngineBoots: number;
    msgAuthoritativeEngineTime: number;
  }
  export interface Request {
    message: { msgSecurityParameters?: SecurityParameters };
  }
  export interface Session extends EventEmitter {
    trap(oid: string, varbinds: Varbind[], done: (error: Error | null) => void): void;
    inform(oid: string, varbinds: Varbind[], done: (error: Error | null) => void): void;
    send(request: Request, noWait: boolean): void;
    close(): void;
  }
  export function createSession(
    target: string,
    community: string,
    options: SessionOptions,
  ): Session;
  export function createV3Session(target: string, user: User, options: SessionOptions): Session;
}
