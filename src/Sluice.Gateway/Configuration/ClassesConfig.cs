using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Reads SLO classes: those there are by default, with what the file changes, and those the file adds.</summary>
internal static class ClassesConfig
{
    public static SloClasses Read(ConfigMap map)
    {
        var all = SloClasses.Default.All.ToList();
        foreach (var name in map.Keys)
        {
            if (map.Map(name) is not { } one) continue;
            var index = all.FindIndex(c => c.Name == name);
            var known = index >= 0 ? all[index] : new SloClass { Name = name };
            var read = Class(one, known);
            if (index >= 0) all[index] = read;
            else all.Add(read);
        }

        return new(all);
    }

    private static SloClass Class(ConfigMap map, SloClass known)
    {
        var interruption = map.Word("on-interruption", "continue", "restart-if-nothing-sent", "fail") is { } word
            && Interruptions.TryParse(word, out var named) ? named : known.OnInterruption;
        var read = known with
        {
            Slo = new Slo(
                map.Duration("ttft") ?? known.Slo.Ttft, map.Duration("tpot") ?? known.Slo.Tpot, map.Duration("e2e") ?? known.Slo.E2e),
            QueueMax = map.Duration("queue") ?? known.QueueMax,
            OnInterruption = interruption,
            Refuses = map.Word("on-late", "hold", "refuse") is { } late ? late == "refuse" : known.Refuses,
            KeepsProgress = map.Flag("keeps-progress") ?? known.KeepsProgress,
        };
        map.RefuseUnknown();
        return read;
    }
}
