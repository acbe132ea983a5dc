import { Bundles } from './bundles.ts';

/** The file that the process of an isolate begins with. */
new Bundles(__dirname, require).load('./main.cjs');
