/** Where the page of a file is, by the host's own way of making addresses; '' when that cannot be told. */
export function filePage(
  { provider, apiUrl, project }: { provider: 'github' | 'gitlab' | 'gitea'; apiUrl: string; project: string },
  branch: string,
  path: string,
): string {
  const [file, ref] = [path, branch].map((text) => text.split('/').map(encodeURIComponent).join('/'));
  switch (provider) {
    case 'github': {
      const web =
        apiUrl === 'https://api.github.com' ? 'https://github.com' : apiUrl.replace(/\/api\/v3$/, '');
      return `${web}/${project}/blob/${ref}/${file}`;
    }
    case 'gitlab':
      // A project named by its number has no address that can be made up.
      return /^\d+$/.test(project)
        ? ''
        : `${apiUrl.replace(/\/api\/v4$/, '')}/${project}/-/blob/${ref}/${file}`;
    case 'gitea':
      return `${apiUrl.replace(/\/api\/v1$/, '')}/${project}/src/branch/${ref}/${file}`;
  }
}
