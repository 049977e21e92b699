import { setFlagsFromString } from "node:v8";

/**
 * Lets the JavaScript engine compile without its optimiser, which takes 15 MB and buys a program that handles
 * a few hundred values a second nothing. To be called before anything else is loaded: what has been
 * optimised keeps its memory. An engine that does not know the option goes on without it.
 */
export function spareMemory(): void {
  setFlagsFromString("--no-opt");
}
