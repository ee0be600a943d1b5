import type { Type } from '@nestjs/common';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';

/** The directions and views that a decorator of class-transformer is for. None of them: it is for all. */
export interface ViewOptions {
  readonly toPlainOnly?: boolean;
  readonly toClassOnly?: boolean;
  readonly groups?: readonly string[];
  readonly since?: number;
  readonly until?: number;
}

/** `@Type(...)` of one property. */
export interface TypeMetadata {
  readonly typeFunction?: (context?: { newObject: object; object: object; property: string }) => unknown;
  readonly reflectedType?: unknown;
  readonly options?: {
    readonly keepDiscriminatorProperty?: boolean;
    readonly discriminator?: { readonly property: string; readonly subTypes: readonly { name: string; value: Type }[] };
  };
}

/** `@Transform(...)` of one property. */
export interface TransformMetadata {
  readonly transformFn: (params: {
    value: unknown;
    key: string;
    obj: object;
    type: number;
    options: object;
  }) => unknown;
  readonly options?: ViewOptions;
}

/** `@Expose(...)` of one property, or of a class. */
interface ExposeMetadata {
  readonly options?: ViewOptions & { readonly name?: string };
}

/** `@Exclude(...)` of one property, or of a class. */
interface ExcludeMetadata {
  readonly options?: ViewOptions;
}

/** The metadata of one decorator: by class, then by property. The class itself is under `undefined`. */
type ByProperty<T> = Map<unknown, ReadonlyMap<string | undefined, T>>;

/** The decorators of class-transformer whose metadata is read here. */
interface Decorators {
  readonly Type: (type: () => unknown) => PropertyDecorator;
  readonly Transform: (transform: () => unknown) => PropertyDecorator;
  readonly Expose: () => PropertyDecorator;
  readonly Exclude: () => PropertyDecorator;
}

/** How Node, bundlers and jest call it. */
const NOT_INSTALLED = new Set<string | undefined>(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

let found: ClassTransformerMetadata | undefined;

/** The metadata of class-transformer; undefined where it is not installed, and before `findClassTransformer()`. */
export function classTransformer(): ClassTransformerMetadata | undefined {
  return found;
}

/**
 * Looks for class-transformer, an optional peer. Call it before the first bean is registered.
 *
 * @throws SessionConfigurationError when it cannot be loaded, or keeps its metadata in another way than release 0.5
 */
export async function findClassTransformer(): Promise<void> {
  if (found !== undefined) return;
  let decorators: Decorators;
  try {
    // An import that bundlers see, so that they resolve it to the copy which the application's decorators come from.
    // In `try`, so that they build without it.
    decorators = (await import(/* webpackMode: "eager" */ 'class-transformer')) as Decorators;
  } catch (cause) {
    // Without it no class has its decorators.
    if (NOT_INSTALLED.has((cause as NodeJS.ErrnoException).code)) return;
    throw new SessionConfigurationError('class-transformer is installed, but could not be loaded', { cause });
  }
  found = new ClassTransformerMetadata(decorators);
}

/** The metadata of class-transformer's decorators, of a class and its ancestors; the nearest one wins. */
export class ClassTransformerMetadata {
  private readonly types: ByProperty<TypeMetadata>;
  private readonly transforms: ByProperty<readonly TransformMetadata[]>;
  private readonly exposed: ByProperty<ExposeMetadata>;
  private readonly excluded: ByProperty<ExcludeMetadata>;

  constructor({ Type, Transform, Expose, Exclude }: Decorators) {
    this.types = mapWrittenBy(Type(() => Object));
    this.transforms = mapWrittenBy(Transform(() => undefined));
    this.exposed = mapWrittenBy(Expose());
    this.excluded = mapWrittenBy(Exclude());
  }

  isDecorated(type: Type): boolean {
    const maps = [this.types, this.transforms, this.exposed, this.excluded];
    return lineOf(type).some((level) => maps.some((map) => map.has(level)));
  }

  typeOf(type: Type, property: string): TypeMetadata | undefined {
    return nearest(this.types, type, property);
  }

  /** The names of all properties with `@Type`. */
  typedProperties(type: Type): string[] {
    return propertiesIn(this.types, type);
  }

  /**
   * The `@Transform`s of a property, in the order in which class-transformer applies them: those of ancestors first,
   * and of several in one place the lowest first.
   */
  transformsOf(type: Type, property: string): TransformMetadata[] {
    const [own, ...ancestors] = lineOf(type).map((level) => this.transforms.get(level)?.get(property) ?? []);
    return [...ancestors.flat().toReversed(), ...(own ?? []).toReversed()];
  }

  exposeOf(type: Type, property: string): ExposeMetadata | undefined {
    return nearest(this.exposed, type, property);
  }

  /** The names of all properties with `@Expose`. */
  exposedProperties(type: Type): string[] {
    return propertiesIn(this.exposed, type);
  }

  excludeOf(type: Type, property: string): ExcludeMetadata | undefined {
    return nearest(this.excluded, type, property);
  }

  /** `@Exclude` of the class itself, unless it is an `@Expose` as well: then class-transformer ignores both. */
  excludeOfClass(type: Type): ExcludeMetadata | undefined {
    return this.exposed.get(type)?.has(undefined) ? undefined : this.excluded.get(type)?.get(undefined);
  }
}

/**
 * The map in which a decorator of class-transformer keeps its metadata. The package does not export it. The file that
 * does has another address in each of its three builds, and the application's bundler decides which of them the
 * decorators come from. So the decorator itself shows it: before it writes, it asks its map for the class. `has` is
 * replaced for this one call, in which no other code runs.
 */
function mapWrittenBy<T>(decorator: PropertyDecorator): ByProperty<T> {
  const asked: Map<unknown, unknown>[] = [];
  const { prototype } = Map<unknown, unknown>;
  const property = Object.getOwnPropertyDescriptor(prototype, 'has') as PropertyDescriptor;
  Object.defineProperty(prototype, 'has', {
    ...property,
    value(this: Map<unknown, unknown>, key: unknown): unknown {
      if (key === Probe) asked.push(this);
      return Reflect.apply(property.value as () => unknown, this, [key]);
    },
  });
  try {
    decorator(Probe.prototype as object, 'probe');
  } finally {
    Object.defineProperty(prototype, 'has', property);
  }
  const [map] = asked;
  if (!map?.delete(Probe)) {
    throw new SessionConfigurationError(
      'the class-transformer that is installed keeps the metadata of its decorators where they cannot be read: ' +
        'install class-transformer@^0.5.1',
    );
  }
  return map as ByProperty<T>;
}

/** A class that no application has. */
function Probe(): void {}

/** The class and its ancestors, the nearest first. */
function lineOf(type: Type): Type[] {
  const line: Type[] = [];
  for (let level: unknown = type; typeof level === 'function'; level = Object.getPrototypeOf(level)) {
    line.push(level as Type);
  }
  return line;
}

function nearest<T>(map: ByProperty<T>, type: Type, property: string): T | undefined {
  for (const level of lineOf(type)) {
    const metadata = map.get(level)?.get(property);
    if (metadata !== undefined) return metadata;
  }
  return undefined;
}

function propertiesIn(map: ByProperty<unknown>, type: Type): string[] {
  const names = lineOf(type).flatMap((level) => [...(map.get(level)?.keys() ?? [])]);
  return [...new Set(names)].filter((name) => name !== undefined);
}
