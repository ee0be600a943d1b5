// Writes a copy of a build without the hooks of timing/ in the rest of its core, as if they had never been written.
//
// node test/observability/overhead/without-hooks.mjs <dist> <folder to write to>
//
// In http/, request/, live/ and bean/ every `timing`, `facts` and `timedResponse` counts as undefined. All code that
// depends on them is removed: statements, branches, closures around calls of the store, parameters. The script fails if
// any of them is left.
// it is left.
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';

const NAMES = new Set(['timing', 'facts', 'timedResponse']);
/** Methods that serve only the timing. */
const METHODS = new Set(['openTimed', 'findTimed']);
const HOOKED = ['http', 'request', 'live', 'bean'];
const OF_TIMING = new Set(['timed-response.js']);
const { factory } = ts;

/** @returns the folder that was written */
export function withoutHooks(dist, folder) {
  rmSync(folder, { recursive: true, force: true });
  cpSync(dist, folder, { recursive: true });
  for (const part of HOOKED) {
    for (const name of readdirSync(join(folder, part), { recursive: true })) {
      const file = join(folder, part, name);
      if (name.endsWith('.js') && !OF_TIMING.has(basename(name)))
        writeFileSync(file, unhooked(file, readFileSync(file, 'utf8')));
    }
  }
  return folder;
}

function unhooked(name, text) {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const { transformed } = ts.transform(source, [(context) => (file) => ts.visitNode(file, folding(context))]);
  const result = ts.createPrinter({ removeComments: true }).printFile(transformed[0]);
  const left = /[^\n]*\b(?:timing|facts|timedResponse|timed)\b[^\n]*/.exec(result)?.[0];
  if (left) throw new Error(`${basename(name)} still has a hook: ${left.trim()}`);
  return result;
}

/**
 * Tells whether an expression is undefined without timing: `timing`, `this.timing`, `request.timing?.facts.saves()`.
 */
function isAbsent(node) {
  if (ts.isIdentifier(node)) return NAMES.has(node.text);
  if (ts.isPropertyAccessExpression(node))
    return NAMES.has(node.name.text) || METHODS.has(node.name.text) || isAbsent(node.expression);
  return ts.isCallExpression(node) && isAbsent(node.expression);
}

const isNot = (node) => ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken;
const isAssignment = (node) =>
  (ts.isBinaryExpression(node) && node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment && isAbsent(node.left)) ||
  (ts.isPostfixUnaryExpression(node) && isAbsent(node.operand));
/** Matches `request.measure('sessionSave', () => work)`. */
const isTimed = (node) =>
  ts.isCallExpression(node) &&
  ts.isPropertyAccessExpression(node.expression) &&
  node.expression.name.text === 'measure';

function folding(context) {
  const visit = (node) => {
    if (ts.isImportDeclaration(node) && /\/(?:timing\/|timed-response)/.test(node.moduleSpecifier.text))
      return undefined;
    if (ts.isExpressionStatement(node) && (isAbsent(node.expression) || isAssignment(node.expression)))
      return undefined;
    if (ts.isVariableStatement(node)) return declared(node);
    if (ts.isIfStatement(node)) {
      if (isAbsent(node.expression)) return node.elseStatement && ts.visitNode(node.elseStatement, visit);
      if (isNot(node.expression) && isAbsent(node.expression.operand)) return ts.visitNode(node.thenStatement, visit);
      return ifLeft(node);
    }
    if (ts.isForOfStatement(node) && ts.visitNode(node.statement, visit) === undefined) return undefined;
    if (ts.isConditionalExpression(node) && isAbsent(node.condition)) return ts.visitNode(node.whenFalse, visit);
    if (isTimed(node)) return untimed(node.arguments[1]);
    if (ts.isTryStatement(node)) return tried(ts.visitEachChild(node, visit, context));
    if (ts.isBlock(node)) return reachable(ts.visitEachChild(node, visit, context));
    if (ts.isParameter(node) && NAMES.has(node.name.text)) return undefined;
    if (ts.isObjectBindingPattern(node)) return unbound(node);
    if (ts.isMethodDeclaration(node) && METHODS.has(node.name.text)) return undefined;
    const folded = ts.visitEachChild(node, visit, context);
    if (!ts.isCallExpression(folded) && !ts.isNewExpression(folded)) return folded;
    const kept = (folded.arguments ?? []).filter((argument) => !isAbsent(argument));
    if (kept.length === folded.arguments?.length) return folded;
    return ts.isNewExpression(folded)
      ? factory.updateNewExpression(folded, folded.expression, undefined, kept)
      : factory.updateCallExpression(folded, folded.expression, undefined, kept);
  };

  /** Drops an `if` without anything left to do. Conditions have no side effects in this code. */
  function ifLeft(node) {
    const [then, other] = [ts.visitNode(node.thenStatement, visit), ts.visitNode(node.elseStatement, visit)];
    if (!then && !other) return undefined;
    return factory.updateIfStatement(
      node,
      ts.visitNode(node.expression, visit),
      then ?? factory.createBlock([]),
      other,
    );
  }

  function declared(node) {
    const { declarations } = node.declarationList;
    const own = declarations.filter(
      ({ name, initializer }) => !bindsOnlyTiming(name) && !(initializer && isAbsent(initializer)),
    );
    if (own.length === 0) return undefined;
    const list = factory.updateVariableDeclarationList(node.declarationList, own);
    return ts.visitEachChild(factory.updateVariableStatement(node, node.modifiers, list), visit, context);
  }

  /** Turns `measure('sessionLoad', () => work)` into `work`. */
  function untimed(work) {
    if (ts.isArrowFunction(work) && !ts.isBlock(work.body)) return ts.visitNode(work.body, visit);
    return factory.createCallExpression(ts.visitNode(work, visit), undefined, []);
  }

  return visit;
}

function tried(node) {
  const isEmpty = node.finallyBlock?.statements.length === 0;
  if (!isEmpty) return node;
  return node.catchClause
    ? factory.updateTryStatement(node, node.tryBlock, node.catchClause, undefined)
    : [...node.tryBlock.statements];
}

/** Removes the statements after a return. */
function reachable(node) {
  const end = node.statements.findIndex((statement) => ts.isReturnStatement(statement));
  return end === -1 ? node : factory.updateBlock(node, node.statements.slice(0, end + 1));
}

/** Removes the names of the timing from `{ live, timing }`. */
function unbound(pattern) {
  return factory.updateObjectBindingPattern(
    pattern,
    pattern.elements.filter(({ name }) => !NAMES.has(name.text)),
  );
}

function bindsOnlyTiming(name) {
  if (ts.isIdentifier(name)) return NAMES.has(name.text);
  return ts.isObjectBindingPattern(name) && name.elements.every((element) => NAMES.has(element.name.text));
}

if (process.argv[1] === import.meta.filename) withoutHooks(process.argv[2], process.argv[3]);
