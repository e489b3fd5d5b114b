import { describeTransport } from './transport-contract.ts';
import { zeroMqWorld } from './transport-zeromq-worlds.ts';

describeTransport('ZeroMQ over tcp', zeroMqWorld('tcp', false));
describeTransport('ZeroMQ over ipc', zeroMqWorld('ipc', false));
describeTransport('ZeroMQ over tcp with CURVE', zeroMqWorld('tcp', true));
