#!/usr/bin/env -S node --max-semi-space-size=1 --max-old-space-size=128
import "../dist/edge/main.js";
