/** How one listener shows who it is: by a certificate of the hub's own authority, or by a given one. */
export type TlsConfig = { names: string[] } | { certificateFile: string; keyFile: string };

export const ACCEPT_RISK = "i-accept-the-risk";

/** Only this machine itself reaches these. */
export const LOOPBACK_HOSTS = ["127.0.0.1", "::1", "localhost"];
