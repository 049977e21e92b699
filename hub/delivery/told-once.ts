import type { SiteModel } from "../../contract/site.ts";
import { plainDelivery } from "../config/delivery-config.ts";
import { createDelivery, type Delivery, type DeliveryDeps } from "./delivery.ts";

export interface ToldOnceDeps
  extends Omit<DeliveryDeps, "config" | "siteLabel" | "linkBase" | "ackBase"> {
  site?: SiteModel;
  linkBase?: string | null;
}

/** Tells whomever a rule names, at once and, because nobody runs it, once. */
export function toldOnce({ site, linkBase = null, ...deps }: ToldOnceDeps): Delivery {
  const siteLabel = site?.label ?? "Plenum";
  const plain = plainDelivery(site?.timezone);
  // Nobody would send a digest.
  const flood = { ...plain.flood, above: Number.POSITIVE_INFINITY };
  return createDelivery({ ...deps, config: { ...plain, flood }, siteLabel, linkBase });
}
