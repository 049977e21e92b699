import { useEffect, useRef, useState } from "preact/hooks";

export interface Size {
  w: number;
  h: number;
}
/** One drawing unit is 1/16 rem, so that a drawing made for 1920×1080 keeps its proportions on any screen. */
const UNITS_PER_REM = 16;

/** The inner size of an element in drawing units; null until it is laid out. */
export function useSize<E extends Element>() {
  const ref = useRef<E>(null);
  const [size, setSize] = useState<Size | null>(null);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const unit = rem / UNITS_PER_REM;
      const next = { w: element.clientWidth / unit, h: element.clientHeight / unit };
      setSize((now) => (now && same(now, next) ? now : next));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return { ref, size };
}

function same(a: Size, b: Size): boolean {
  return Math.abs(a.w - b.w) < 0.5 && Math.abs(a.h - b.h) < 0.5;
}
