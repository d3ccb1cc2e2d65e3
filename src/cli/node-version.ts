import packageJson from '../../package.json' with { type: 'json' };

/** Why this Node.js cannot run the program; undefined when it can. `engines` of package.json is the one place that says so. */
export function tooOld(version: string): string | undefined {
  const wanted = packageJson.engines.node.replace(/^>=/, '');
  const [major = 0, minor = 0] = numbers(version);
  const [leastMajor = 0, leastMinor = 0] = numbers(wanted);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return (
    `nodeop-agent needs Node.js ${wanted} or newer, and this is ${version}: install a newer one; ` +
    'in a checkout, npm ci brings it, and npm start, npm run demo and npm run sim use it'
  );
}

function numbers(version: string): number[] {
  return version.split('.').map(Number);
}
