/** The version of the product, as reports and checkpoints name it; a test keeps it equal to package.json. */
export const VERSION = '0.1.0';
