// The package comes without types; i2c-dev.ts says what it uses of it.
declare module "i2c-bus";
