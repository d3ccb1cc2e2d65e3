import { pageAssets } from '../../src/page/assets.ts';

/** The entry of a bundle that a test makes: the files of the page have to come out of the same file. */
process.stdout.write(JSON.stringify(await pageAssets()));
