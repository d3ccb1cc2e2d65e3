import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RUN_ID, type Scene } from './support/fleet.ts';
import { playOf } from './support/scenes.ts';
import { Visitor } from './support/visitor.ts';

/** The page as people see it, for people to look at: `PICTURES=1 npm run test:browser` writes docs/img, other runs only draw. */

const FOLDER = join(import.meta.dirname, '../../docs/img');
const SIZES = { phone: [360, 740], desk: [1280, 960], wall: [3840, 2160] } as const;

interface Picture {
  view: 'runs' | 'run' | 'node' | 'nodes' | 'agent';
  scene: Scene;
  nodes: number;
  size: keyof typeof SIZES;
  colours: 'light' | 'dark';
}

const picture = (
  view: Picture['view'],
  scene: Scene,
  nodes: number,
  size: Picture['size'],
  colours: Picture['colours'],
): Picture => ({ view, scene, nodes, size, colours });

/** Each size, number of nodes, state and pair of colours with each other, and every view. */
const PICTURES = [
  picture('runs', 'failed', 200, 'desk', 'light'),
  picture('runs', 'running', 5_000, 'wall', 'dark'),
  picture('runs', 'heldUp', 5, 'phone', 'light'),
  picture('run', 'running', 5, 'desk', 'dark'),
  picture('run', 'failed', 5, 'phone', 'light'),
  picture('run', 'heldUp', 5, 'wall', 'light'),
  picture('run', 'heldUp', 200, 'desk', 'light'),
  picture('run', 'failed', 200, 'wall', 'dark'),
  picture('run', 'running', 200, 'phone', 'dark'),
  picture('run', 'running', 5_000, 'desk', 'light'),
  picture('run', 'failed', 5_000, 'desk', 'dark'),
  picture('run', 'heldUp', 5_000, 'phone', 'dark'),
  picture('run', 'running', 5_000, 'wall', 'light'),
  picture('node', 'failed', 200, 'desk', 'light'),
  picture('nodes', 'failed', 5_000, 'desk', 'dark'),
  picture('agent', 'running', 5, 'desk', 'light'),
];

const ADDRESSES = {
  runs: '/',
  run: `/runs/${RUN_ID}`,
  node: '/nodes/node-0001?run=x',
  nodes: '/nodes',
  agent: '/agent',
};

let visitor: Visitor;

beforeAll(async () => {
  visitor = await Visitor.come(playOf('running', 5));
});
afterAll(() => visitor.leave());

test.each(PICTURES)('$view, $scene, $nodes nodes, $size, $colours', async (it) => {
  const { view, scene, nodes, size, colours } = it;
  const [width, height] = SIZES[size];
  const { page, stage } = visitor;
  stage.perform(playOf(scene, nodes));
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' });
  await visitor.see(ADDRESSES[view]);
  if (view === 'run') await expect.poll(drawn).toBeGreaterThan(1);
  const png = await page.screenshot();
  expect(png.readUInt32BE(16)).toBe(width);
  if (process.env['PICTURES'] === undefined) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `page-${view}-${scene}-${nodes}-${size}-${colours}.png`), png);
});

/** How many colours there are on the map. */
function drawn(): Promise<number> {
  return visitor.page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.cells canvas');
    if (!canvas || canvas.width === 0) return 0;
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return new Set(new Uint32Array((pixels as Uint8ClampedArray).buffer)).size;
  });
}
