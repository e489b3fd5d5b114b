import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll } from 'vitest';
import { isWithoutKafka, type MockKafka, mockKafka } from '../interop/broker-servers.ts';
import { sourceContract } from './source-contract.ts';

let shared: MockKafka;
let topics = 0;
beforeAll(async () => {
  if (!isWithoutKafka) shared = await mockKafka();
});
afterAll(() => shared?.remove());

const traits = { hasMessages: true, hasOutage: true, isRepeating: false, isSkipped: isWithoutKafka };

sourceContract('a topic of a mock of Kafka', traits, async (isForOutage) => {
  const server = isForOutage ? await mockKafka() : shared;
  const topic = `accesses-${topics++}`;
  const kafka = new Kafka({ brokers: [server.address], logLevel: logLevel.NOTHING });
  const producer: Producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const admin = kafka.admin();
  await Promise.all([producer.connect(), admin.connect()]);
  // The topic is made by asking for it.
  await admin.fetchTopicMetadata({ topics: [topic] });
  return {
    open: (host, settings) =>
      host.open({
        ...{ type: 'kafka', name: 'k', brokers: [server.address], topics: [topic], group: `group-${topic}` },
        ...{ waitMs: 50, keepAliveMs: 20, sessionMs: 6000, timeoutMs: isForOutage ? 5000 : 8000 },
        ...{ backOff: { initialMs: 20, maxMs: 100 }, ...settings },
      }),
    publish: async (bodies) => {
      await producer.send({ topic, messages: bodies.map((value) => ({ value, partition: 0 })) });
    },
    unacknowledged: async () => {
      const [ends, [committed]] = await Promise.all([
        admin.fetchTopicOffsets(topic),
        admin.fetchOffsets({ groupId: `group-${topic}`, topics: [topic] }),
      ]);
      const end = Number(ends.find(({ partition }) => partition === 0)!.offset);
      const taken = Number(committed!.partitions.find(({ partition }) => partition === 0)!.offset);
      return end - Math.max(0, taken);
    },
    outage: { begin: async () => server.freeze(), end: async () => server.thaw() },
    close: async () => {
      await Promise.all([producer.disconnect(), admin.disconnect()]);
      if (isForOutage) await server.remove();
    },
  };
});
