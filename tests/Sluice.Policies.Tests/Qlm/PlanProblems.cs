using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>Made-up planning problems.</summary>
internal static class PlanProblems
{
    public static PlanProblem Random(ulong seed, int groups, int engines, int models, int kinds = 2, double load = 1)
    {
        var rng = new Rng(seed);
        var p = new PlanProblem();
        p.Resize(groups, engines, kinds, models);
        for (var v = 0; v < engines; v++)
        {
            p.Kind[v] = rng.Next(kinds);
            p.Loaded[v] = rng.Next(models);
            p.Start[v] = rng.NextDouble() * 5;
            p.Running[v] = rng.Next(20);
            p.FirstDrain[v] = p.Start[v] + rng.NextDouble() * 10;
            p.Stay[v] = rng.NextDouble() * 5;
            p.IsOpen[v] = true;
            for (var m = 0; m < models; m++)
            {
                var at = v * models + m;
                (p.Load[at], p.Tail[at]) = (5 + 15 * rng.NextDouble(), 5 * rng.NextDouble());
                (p.TailGrowth[at], p.Batch[at]) = (2 * rng.NextDouble(), 8 + rng.Next(100));
            }
        }

        for (var i = 0; i < groups; i++)
        {
            p.Model[i] = rng.Next(models);
            p.Home[i] = rng.Next(8) == 0 ? rng.Next(engines) : -1;
            p.Weight[i] = 1 + rng.Next(200);
            p.Members[i] = p.Weight[i];
            p.Slack[i] = rng.NextDouble() * load * 10 * groups / engines;
            p.Deadline[i] = (long)(p.Slack[i] * TimeSpan.TicksPerSecond);
            var service = 2 + 18 * rng.NextDouble();
            for (var k = 0; k < kinds; k++)
            {
                p.Service[i * kinds + k] = service * (1 + k * 0.5);
                p.Last[i * kinds + k] = p.Service[i * kinds + k] * rng.NextDouble() * 0.75;
            }
        }

        return p;
    }
}
