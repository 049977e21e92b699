import type { SecretFiles } from "./secret-files.ts";
import type { Login, SetupHttp } from "./setup-http.ts";

export interface SetupOptions {
  url: string;
  /** The raw database; those of the rollups are named after it. */
  database: string;
  /** Folder of the password files. */
  secrets: string;
  /** 1.x: an administrator that exists already. */
  admin?: Login;
  /** 2.x and 3: a token that may make buckets, databases and logins. */
  adminToken?: string;
  /** 2.x: the organization the buckets belong to. */
  org?: string;
}

/** What one server's set-up needs and tells. */
export interface SetupJob extends SetupOptions {
  http: SetupHttp;
  files: SecretFiles;
  /** Called with a sentence for each thing that was made, changed or found in order. */
  did(what: string): void;
}

export interface Logins {
  writer: Login;
  reader: Login;
  /** Says in plain words what cannot be had on this server; null when the reader may only read. */
  caveat: string | null;
  /** Takes away what trying out has left in a database. */
  tidy(database: string): Promise<void>;
}

/** Names of the logins on the server, and of the files that hold their secrets. */
export const WRITER = "plenum_writer";
export const READER = "plenum_reader";
export const ADMIN = "plenum_admin";
export const secretFileOf = (username: string) =>
  `influx-${username.replace("plenum_", "")}.password`;

/** A measurement of its own, so that trying to write leaves nothing among the readings. */
export const PROBE = "plenum_setup";
