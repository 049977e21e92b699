import { z } from "zod";
import { ID_PATTERN } from "./id.ts";

/** Stands apart from id.ts, which the browser uses too: zod would be half of its download. */
export const idSchema = z
  .string()
  .regex(ID_PATTERN, "allowed: 1–64 characters of a–z 0–9 _ . - beginning with a letter or digit");
