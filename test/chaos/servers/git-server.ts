/** Repositories over http as a process: `node git-server.ts PORT ROOT`. */
import { GitServer } from '../../git/support/git-server.ts';

const [, , port, root = ''] = process.argv;
const server = await GitServer.start({ root }, Number(port));
process.stdout.write(`listening at ${server.url()}\n`);
