/**
 * A program that is no edge node: it signed in to the broker with a user name and a password. What it
 * publishes goes to `take` and nowhere else; nothing is passed on to it but what it may subscribe to.
 */
export interface Guest {
  account: string;
  /** Takes what it published, or drops it when it may not publish there. Never throws for what was sent. */
  take(topic: string, payload: Uint8Array): void;
  /** Whether it may leave a last will there. */
  mayWill(topic: string): boolean;
  maySubscribe(filter: string): boolean;
  /** It has been granted a subscription. */
  subscribed(filter: string): void;
}

/** Who may enter the broker besides edge nodes. */
export interface Guests {
  /** The guest of this user name and password; undefined when they are wrong. */
  admit(user: string, password: Uint8Array | undefined): Guest | undefined;
  /** True for names that belong to guests, so that no client can pass for their node. */
  isReserved(nodeId: string): boolean;
}

/** The most connections of one account at a time. */
export const MAX_GUEST_CONNECTIONS = 100;
