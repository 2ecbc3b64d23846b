using Sluice.Core;

namespace Sluice.Engine;

/// <summary>What is done with a schema once it is read: alternatives of alternatives become one list, and what could never be
/// complete is left out or refused. Else a request could have the engine go round in circles, or come where no token
/// fits.</summary>
internal static class JsonSchemaCheck
{
    /// <summary>Alternatives of one place after all; each byte of an answer may be tried with all of them.</summary>
    private const int AlternativesMax = 256;

    /// <summary>Alternatives looked at, over all.</summary>
    private const int WorkMax = 1 << 20;

    /// <exception cref="InputException">It has no end, or too many alternatives.</exception>
    public static void Finish(List<JsonNode> nodes, int root)
    {
        Flatten(nodes);
        var ends = FindEnding(nodes);
        if (!ends[root]) throw new InputException("schema: nothing can be complete by it: what it requires requires itself again.");
        foreach (var node in nodes) LeaveOut(node, ends);
    }

    private static void Flatten(List<JsonNode> nodes)
    {
        var work = 0;
        var seen = new int[nodes.Count]; // the union for which a node was seen last, from 1
        for (var i = 0; i < nodes.Count; i++)
        {
            if (nodes[i].Kind != JsonKind.Union) continue;
            var leaves = new List<int>();
            var open = new Stack<int>();
            open.Push(i);
            while (open.TryPop(out var at))
            {
                if (seen[at] == i + 1) continue;
                seen[at] = i + 1;
                if (nodes[at].Kind != JsonKind.Union) leaves.Add(at);
                work += 1 + nodes[at].Alternatives.Count;
                for (var k = nodes[at].Alternatives.Count - 1; k >= 0; k--) open.Push(nodes[at].Alternatives[k]);
            }

            if (work > WorkMax || leaves.Count > AlternativesMax)
                throw new InputException(
                    $"schema: alternatives within alternatives come to more than {AlternativesMax}, or are too entangled.");
            nodes[i].Alternatives.Clear();
            nodes[i].Alternatives.AddRange(leaves);
        }
    }

    /// <summary>Which parts some JSON of bounded size satisfies.</summary>
    private static bool[] FindEnding(List<JsonNode> nodes)
    {
        var ends = new bool[nodes.Count];
        for (var hasChanged = true; hasChanged;)
        {
            hasChanged = false;

            // Parts come after the wholes they are of, so that one pass is enough where nothing refers back.
            for (var i = nodes.Count - 1; i >= 0; i--)
            {
                if (ends[i] || !Ends(nodes[i], ends)) continue;
                ends[i] = hasChanged = true;
            }
        }

        return ends;
    }

    private static bool Ends(JsonNode node, bool[] ends) => node.Kind switch
    {
        JsonKind.Object => node.Properties.TrueForAll(p => !p.IsRequired || ends[p.Node]),
        JsonKind.Array => node.Min == 0 || ends[node.Items],
        JsonKind.Union => node.Alternatives.Exists(a => ends[a]),
        _ => true,
    };

    private static void LeaveOut(JsonNode node, bool[] ends)
    {
        node.Alternatives.RemoveAll(a => !ends[a]);
        node.Properties.RemoveAll(p => !p.IsRequired && !ends[p.Node]);
        if (node.Additional >= 0 && !ends[node.Additional]) node.Additional = -1;
        if (node.Kind == JsonKind.Array && !ends[node.Items]) node.Max = 0;
    }
}
