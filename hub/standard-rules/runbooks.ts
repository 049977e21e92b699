/** What to do, for somebody who is called at night and does not know the room by heart. */

export const INLET_CRITICAL =
  "Go to the rack. Check that the nearest cooling unit blows cold air and that no door or blanking panel is " +
  "open. If two racks or more are too warm, call the cooling contractor and prepare to shut equipment down.";
export const INLET_HIGH =
  "Check the cooling unit of this aisle, open doors and missing blanking panels. There is time: the equipment " +
  "bears this, but not for ever.";
export const INLET_LOW =
  "Too cold wastes energy and risks condensation. Check the set points of the cooling units of this aisle.";
export const SWING =
  "Look at what changed in the last hour: a cooling unit that starts or stops, an opened aisle, moved load. Fast " +
  "changes wear equipment, and tape most of all.";
export const HUMIDITY =
  "Compare with the neighbouring racks: one alone is probably its sensor. If all agree, look at the humidifier " +
  "and at the outside air.";
export const CONDENSATION =
  "Water will soon condense on cold pipes and coils. Raise the supply temperature, or dry the air. Look below " +
  "pipes for drops.";
export const COOLING_STOPPED =
  "Look at the unit's own panel. Restart it once; if it trips again, call the cooling contractor.";
export const COOLING_FAILS =
  "The unit runs but does not cool as it should. Check filter, fan, belt and valve, then refrigerant or chilled " +
  "water, and call the cooling contractor.";
export const RETURN_HIGH =
  "More heat comes back than usual. Check whether another unit of the room has stopped, or load was added.";
export const NO_SPARE =
  "The room holds, but the next failure makes it too warm. Bring the missing unit back today; put off work on " +
  "the others.";
export const TOO_LITTLE_COOLING =
  "The room will become too warm. Bring units back at once, open the race clock of the incident, call the " +
  "cooling contractor, and prepare to shut equipment down.";
export const FIGHT =
  "Nothing is in danger, but energy is lost. Set all units of the room to the same temperature and humidity, " +
  "with the same dead band.";
export const UTILITY_LOST = "Call the network operator. Watch UPS runtime and generator fuel.";
export const PHASE_LOST =
  "One phase is missing: motors and cooling units may stop. Check the main fuses, then call the network operator.";
export const IMBALANCE =
  "Spread single-phase loads more evenly over the phases when equipment is next moved.";
export const BREAKER_FULL =
  "A breaker carries 80 % of its rating for hours, not more. Add no load here; move some to another circuit.";
export const BREAKER_OVER =
  "The breaker will trip. Take load off this circuit now, least important equipment first.";
export const FEED_ALONE =
  "Both feeds together are within limits, but one alone could not carry all. Move or shed load before work on " +
  "either feed.";
export const ON_BATTERY =
  "Check the utility and the generator. Racks on this feed lose power when the runtime is used up.";
export const BATTERY_LOW =
  "The output ends within minutes. Bring the mains or generator back, or shut equipment on this feed down in order.";
export const BYPASS =
  "The load hangs on raw mains: any dip reaches it. Find out who switched to bypass and why; call the UPS service.";
export const UPS_OVERLOAD = "Take load off this UPS now, before it goes to bypass or off.";
export const OUTPUT_OFF =
  "Equipment on this feed runs on its other feed only, or not at all. Go to the UPS; switch it on only when you " +
  "know why it went off.";
export const REPLACE_BATTERY = "Order the battery and plan its replacement within a month.";
export const BATTERY_HOT =
  "Check the air around the UPS. If a battery is swollen or smells, keep away and call the UPS service.";
export const FUEL = "Order fuel. Below a quarter, count the hours of load that are left.";
export const LEAK =
  "Find the wet spot. Close the valve of the nearest unit or pipe. Keep away from wet floors near power.";
export const DOOR_HELD =
  "Send somebody to close the door; cold air is leaving and anybody can enter.";
export const AFTER_HOURS =
  "Nobody is expected here now. Look at the camera or send somebody, and note who it was.";
export const NO_READING =
  "Check the sensor's plug and cable. Until it is back this place is not watched.";
export const FROZEN =
  "The sensor answers, but its value does not move. Compare it with its neighbours and replace it when in doubt.";
export const BUS =
  "Many readings on one line fail: look for a loose plug, a broken cable, a missing terminator or a device that " +
  "disturbs the others.";
export const NODE =
  "Check power and network of the edge node. Everything it reads is unwatched until it is back.";
export const NODE_SUPPLY =
  "The node's power supply or cable is too weak; the Pi slows down and its card can be damaged. Replace the supply.";
export const NODE_CLOCK =
  "The node has no time source. Its readings stand at wrong times after the next power cut. Look at its network and its " +
  "time service.";
export const NODE_DISK =
  "Make room on the node's disk or card. When it is full, readings wait in memory only and are lost at a power cut.";
export const NODE_CARD =
  "Something writes too much to the node's card. Read less often, or give the node a disk instead of a card.";
export const NODE_HOT =
  "The node's processor is hot and slows down. Give it air or a heat sink; check the air where it hangs.";
