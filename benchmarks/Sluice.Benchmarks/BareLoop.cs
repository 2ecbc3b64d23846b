namespace Sluice.Benchmarks;

/// <summary>The least a simulator of P2's shape must do: the same arithmetic in one loop with decodes counted by one step
/// counter and ends in a heap; no dispatcher, no policies, no events, no log beyond a sum.</summary>
public static class BareLoop
{
    /// <returns>Sum of the latencies [fs], so that nothing is optimised away.</returns>
    public static double Run(long[] arrivalTicks, int prompt, int output, int budget)
    {
        const long a = 11_480_000_000_000, b = 25_470_000_000, c = 28_150_000_000, d = 82_100_000, g = 27_330_000_000,
            halfE = 1_355_000, m = 49_300_000, tick = 100_000_000;
        var ends = new PriorityQueue<int, long>();
        var waiting = new Queue<int>();
        double now = 0, sum = 0;
        long clock = 0, context = 0;
        int decodes = 0, next = 0, prefilling = -1, computed = 0;
        while (next < arrivalTicks.Length || waiting.Count > 0 || prefilling >= 0 || decodes > 0)
        {
            while (next < arrivalTicks.Length && arrivalTicks[next] * (double)tick <= now) waiting.Enqueue(next++);
            if (prefilling < 0 && waiting.Count > 0) (prefilling, computed) = (waiting.Dequeue(), 0);
            if (prefilling < 0 && decodes == 0)
            {
                now = arrivalTicks[next] * (double)tick;
                continue;
            }

            var chunk = prefilling < 0 ? 0 : Math.Min(budget - decodes, prompt - computed);
            var step = a + b * chunk + c * decodes + d * context + g * Math.Max(0, chunk + decodes - 128);
            if (chunk > 0) step += halfE * chunk * (2 * computed + chunk) + m * context;
            var steps = 1L;
            if (chunk == 0)
            {
                // To the first end, or to the step under way when somebody arrives.
                ends.TryPeek(out _, out var end);
                steps = end - clock;
                if (next < arrivalTicks.Length)
                {
                    var left = arrivalTicks[next] * (double)tick - now;
                    var half = d * decodes / 2.0;
                    var linear = step - half;
                    steps = Math.Min(steps, 1 + (long)((Math.Sqrt(linear * linear + 4 * half * left) - linear) / (2 * half)));
                }
            }

            now += steps * (double)step + d * decodes * (steps * (steps - 1) / 2);
            clock += steps;
            context += steps * decodes;
            if (chunk > 0 && (computed += chunk) == prompt)
            {
                ends.Enqueue(prefilling, clock + output - 1);
                context += prompt + 1;
                decodes++;
                prefilling = -1;
            }

            while (ends.TryPeek(out var done, out var at) && at == clock)
            {
                ends.Dequeue();
                context -= prompt + output;
                decodes--;
                sum += now - arrivalTicks[done] * (double)tick;
            }
        }

        return sum;
    }
}
