/** OpenTelemetry spans of what becomes of a post: append, tell, decide, deliver. Loaded only where `tracing.isEnabled`. */

import type * as OpenTelemetry from '@opentelemetry/api';
import type { Context, Span, Tracer } from '@opentelemetry/api';
import type { LogEntry, LogFrame } from '../../engine/state/log-store.ts';
import { VERSION } from '../../engine/version.ts';
import type { PrefetchRequest } from '../engine/prefetch-desk.ts';
import { optionalPeer } from './servers/optional-peer.ts';

type Api = typeof OpenTelemetry;

/** Requests without an answer that are remembered; beyond it the oldest are not traced on. */
const REMEMBERED_MAX = 4096;

/** W3C Trace Context, level 2, section 3.2: version, trace id, parent id, flags. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The span of a post, for the parts that work on it. */
export interface PostSpan {
  readonly context: Context;
  /** With the HTTP status of the answer. */
  end(status: number, facts?: Readonly<Record<string, string | number | boolean>>): void;
}

/** A part of it that has begun. */
export interface PartSpan {
  /** `fault` = why it did not succeed. */
  end(fault?: string | null): void;
}

/** A span for those who go on under it elsewhere, in the words of W3C Trace Context. */
export interface SpanTrace {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/**
 * Spans go to whatever tracer provider the process has registered (`node --import` of one's own set-up); without one they cost a call each
 * and go nowhere. Decisions never depend on them.
 */
export class Tracing {
  readonly #api: Api;
  readonly #tracer: Tracer;
  /** By the bytes of their frames, which are the same in the log's queue: an entry is told before its append is answered. */
  readonly #contexts = new WeakMap<Uint8Array, Context>();
  readonly #decided = new Map<number, Context>();
  #telling: Context | null = null;

  constructor(api: Api) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('anteroom', VERSION);
  }

  /** @throws AnteroomError 'missing-library' where the package is not installed. */
  static async load(): Promise<Tracing> {
    return new Tracing(await optionalPeer('@opentelemetry/api', 'tracing', () => import('@opentelemetry/api')));
  }

  /** A request to take accesses in, under the span that `traceparent` names, if it names one. */
  post(route: string, traceparent: string | undefined, tracestate: string | undefined): PostSpan {
    const { SpanKind, SpanStatusCode, trace } = this.#api;
    const parent = this.#parentOf(traceparent, tracestate);
    const attributes = { 'http.request.method': 'POST', 'http.route': route };
    const span = this.#tracer.startSpan(`POST ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    return {
      context: trace.setSpan(parent, span),
      end: (status, facts = {}) => {
        span.setAttributes({ 'http.response.status_code': status, ...facts });
        // A refusal is the client's fault and no error of the server (semantic conventions of HTTP spans).
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  /** Frames of a post are appended to the log. */
  append(context: Context, frames: readonly LogFrame[]): PartSpan & { kept(from: number, to: number): void } {
    const bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
    const span = this.#tracer.startSpan('append', { attributes: { 'anteroom.bytes': bytes } }, context);
    for (const frame of frames) this.#contexts.set(frame.bytes, context);
    return {
      kept: (from, to) => void span.setAttributes({ 'anteroom.log.from': from, 'anteroom.log.to': to }),
      end: (fault) => this.#end(span, fault),
    };
  }

  /** The engine is told an entry; decisions until the end of the span belong to it. Null = its post is not traced. */
  tell({ position, units, bytes }: LogEntry): PartSpan | null {
    const context = this.#contexts.get(bytes);
    if (context === undefined) return null;
    const attributes = { 'anteroom.log.position': position, 'anteroom.units': units };
    const span = this.#tracer.startSpan('tell', { attributes }, context);
    this.#telling = this.#api.trace.setSpan(context, span);
    return {
      end: (fault) => {
        this.#telling = null;
        this.#end(span, fault);
      },
    };
  }

  /** The engine asks for a segment. */
  decide(request: PrefetchRequest): void {
    if (this.#telling === null) return;
    const { name, expert, probability, position, deadlineMs } = request;
    const attributes = {
      'anteroom.segment': name,
      'anteroom.log.position': position,
      'anteroom.deadline_ms': deadlineMs,
      ...(expert === null ? {} : { 'anteroom.expert': expert }),
      ...(probability === null ? {} : { 'anteroom.probability': probability }),
    };
    const span = this.#tracer.startSpan('decide', { attributes }, this.#telling);
    span.end();
    this.#decided.set(request.id, this.#api.trace.setSpan(this.#telling, span));
    if (this.#decided.size > REMEMBERED_MAX) this.#decided.delete(this.#decided.keys().next().value!);
  }

  /** A request is given to the sinks. Null = what it was decided on is not traced. */
  deliver({ id, name }: PrefetchRequest): (PartSpan & { readonly trace: SpanTrace }) | null {
    const context = this.#decided.get(id);
    if (context === undefined) return null;
    this.#decided.delete(id);
    const { SpanKind } = this.#api;
    const span = this.#tracer.startSpan(
      'deliver',
      { kind: SpanKind.CLIENT, attributes: { 'anteroom.segment': name } },
      context,
    );
    return { trace: traceOf(span), end: (fault) => this.#end(span, fault) };
  }

  #end(span: Span, fault: string | null = null): void {
    if (fault !== null) span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: fault });
    span.end();
  }

  /** What cannot be read begins a trace of its own, as the specification asks. */
  #parentOf(traceparent: string | undefined, tracestate: string | undefined): Context {
    const { ROOT_CONTEXT, createTraceState, isSpanContextValid, trace } = this.#api;
    const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent?.trim() ?? '') ?? [];
    if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return ROOT_CONTEXT;
    const parent = {
      traceId: traceId!,
      spanId: spanId!,
      traceFlags: Number.parseInt(flags!, 16) & 1,
      isRemote: true,
      ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
    };
    return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
  }
}

function traceOf(span: Span): SpanTrace {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize() ?? '';
  return tracestate === '' ? { traceparent } : { traceparent, tracestate };
}
