import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'what is listed anew does not take the place of what has a higher version, as that of a server which was restored since',
  tried: { restored: true },
  changes: [
    {
      file: 'src/kube/known-objects.ts',
      from: 'if (isNewer(heard.get(key)) || (known && isSame(known, item))) continue;',
      to: 'if (isNewer(heard.get(key)) || (known && (isSame(known, item) || versionOf(known) > versionOf(item)))) continue;',
    },
    {
      file: 'src/kube/known-objects.ts',
      from: 'for (const key of this.objects.keys()) if (!listed.has(key) && !isNewer(heard.get(key))) this.remove(key);',
      to: `for (const [key, known] of this.objects)
      if (!listed.has(key) && !isNewer(heard.get(key)) && versionOf(known) <= at) this.remove(key);`,
    },
  ],
};
