import { watch } from 'chokidar';

/**
 * Calls `listener` after any of the paths (files, or folders at any depth) changed. Several changes in
 * quick succession may give one call or several. The only importer of chokidar.
 */
export function watchFiles(paths: string[], listener: () => void): () => Promise<void> {
  const watcher = watch(paths, { ignoreInitial: true, ignored: (path) => path.endsWith('.lock') });
  watcher.on('all', listener);
  // A path that cannot be watched is still polled.
  watcher.on('error', () => undefined);
  return () => watcher.close();
}
