// The API reference: a page for each entry of the packages, made of the doc comments.
import { readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { Application } from 'typedoc';

/** The index files behind the `exports` of the packages, by what users import. */
function entryPoints(root) {
  return ['session', 'replicated'].flatMap((library) => {
    const folder = join(root, 'libs', library);
    const { name, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return Object.entries(exports)
      .filter(([, entry]) => entry.types)
      .map(([path, { types }]) => ({
        specifier: posix.join(name, path),
        file: join(folder, types.replace('./dist/', 'src/').replace('.d.ts', '.ts')),
      }));
  });
}

export async function writeApiReference(root, out) {
  const entries = entryPoints(root);
  const application = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: entries.map(({ file }) => file),
    tsconfig: join(root, 'tsconfig.json'),
    readme: 'none',
    name: 'API',
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    outputs: [{ name: 'markdown', path: out }],
    router: 'module',
    entryFileName: 'index',
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    skipErrorChecking: true,
  });
  const project = await application.convert();
  if (!project) throw new Error('TypeDoc could not read the sources');
  for (const module of project.children ?? []) {
    // TypeDoc names a module after its folder below libs, unless its comment has a name.
    const entry = entries.find(({ file }) => relative(join(root, 'libs'), dirname(file)) === module.name);
    if (entry) module.name = entry.specifier;
  }
  application.validate(project);
  await application.generateOutputs(project);
  if (application.logger.hasErrors() || application.logger.hasWarnings()) throw new Error('TypeDoc warns: see above');
}
