using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Programs of several requests, such as <c>programs:rate=1,n=500,stages=3,tool=exp(2s),prompt=800,output=100</c>:
/// agent loops (<c>fanout=1</c>) and trees of thoughts (<c>fanout=2</c> and more).</summary>
/// <remarks>
/// Programs arrive as a Poisson process, or with gamma gaps of coefficient of variation <c>cv</c>. Each answer calls a tool,
/// and when it has run, <c>fanout</c> requests of the next stage arrive; their prompt is the earlier prompt, its answer, and
/// <c>growth</c> tokens that the tool returned. <c>system</c> tokens open every prompt of every program. A branch ends
/// early when prompt and answer would pass <c>max-total</c>. <c>prefixes=false</c> leaves out the prompt hashes, which
/// otherwise cover <c>block</c> tokens each and let a stage find its predecessor's prompt and answer in the prefix cache.
/// Also <c>model</c>, <c>tenant</c> and <c>class</c>, the names all its requests carry.
/// </remarks>
internal static class ProgramWorkload
{
    private const int RequestsMax = 2_000_000;

    /// <summary>Laws without an upper end may draw anything; a year is as good as never.</summary>
    private const double DelaySecondsMax = 365 * 86_400;

    public static Workload Create(Spec spec, Rng rng)
    {
        var options = Options.Of(spec) with { ContentSalt = rng.Fork("content").NextUInt64() };
        var (model, tenant, @class) = GeneratedWorkload.Names(spec);
        spec.Finish();

        var nodes = Grow(spec, options, rng);
        var requests = new Request[nodes.Count];
        for (var i = 0; i < requests.Length; i++) requests[i] = ToRequest(i, nodes, options);
        return new()
        {
            Name = $"programs {options.Rate}/s x {options.Stages} {options.Lengths.Name}",
            Origin = string.Create(CultureInfo.InvariantCulture,
                $"generated, {options.Programs} programs, {requests.Length} requests in all: {spec}{options.Lengths.Source}"),
            Requests = requests,
            OutputTokens = [.. nodes.Select(node => node.OutputTokens)],
            Models = [model],
            Tenants = [tenant],
            Classes = [@class],
            FollowUps = FollowUps(nodes),
            PrefixBlockTokens = options.HasPrefixes ? options.BlockTokens : 0,
        };
    }

    /// <summary>First stages in order of arrival, then stage by stage: children always stand behind their parents.</summary>
    private static List<Node> Grow(Spec spec, Options options, Rng rng)
    {
        var arrivals = new RenewalArrivals(options.Rate, options.Cv, rng.Fork("arrivals"));
        var (lengths, growth, tools) = (rng.Fork("lengths"), rng.Fork("growth"), rng.Fork("tools"));
        var nodes = new List<Node>();
        for (var program = 0; program < options.Programs; program++)
        {
            var (prompt, output) = options.Lengths.Draw(ref lengths);
            prompt = Math.Min(prompt + options.SystemTokens, options.TotalTokensMax - 1);
            output = Math.Min(output, options.TotalTokensMax - prompt);
            nodes.Add(new(program, Stage: 0, Parent: -1, arrivals.Next(), TimeSpan.Zero, GrowthTokens: 0, prompt, output));
        }

        for (var i = 0; i < nodes.Count; i++)
            for (var child = 0; child < options.Fanout && nodes[i].Stage + 1 < options.Stages; child++)
                AddChild(i);
        return nodes;

        void AddChild(int index)
        {
            if (nodes.Count == RequestsMax)
                throw spec.Error($"makes over {RequestsMax} requests, expected fewer programs, stages or branches");

            var parent = nodes[index];
            var delay = TimeSpan.FromSeconds(Math.Min(options.Tool.Draw(ref tools), DelaySecondsMax));
            var added = (int)Math.Min(Math.Round(options.Growth.Draw(ref growth)), TraceLimits.TokensMax);
            var (_, output) = options.Lengths.Draw(ref lengths);
            var prompt = (long)parent.PromptTokens + parent.OutputTokens + added;
            if (prompt + output > options.TotalTokensMax) return;
            nodes.Add(new(parent.Program, parent.Stage + 1, index, Instant.Never, delay, added, (int)prompt, output));
        }
    }

    private static Request ToRequest(int index, List<Node> nodes, Options options)
    {
        var node = nodes[index];
        return new()
        {
            Id = new(index),
            Arrival = node.Arrival,
            PromptTokens = node.PromptTokens,
            MaxOutputTokens = node.OutputTokens,
            Program = node.Program,
            Stage = node.Stage,
            PromptBlocks = options.HasPrefixes ? PromptBlocks(index, nodes, options) : default,
        };
    }

    /// <summary>The content of a prompt from its beginning: the system prompt, the program's own words, and for every
    /// earlier stage its answer and what its tool returned.</summary>
    private static ulong[] PromptBlocks(int index, List<Node> nodes, Options options)
    {
        var path = new List<int>();
        for (var at = index; at >= 0; at = nodes[at].Parent) path.Add(at);

        var blocks = new ulong[nodes[index].PromptTokens / options.BlockTokens];
        var hasher = new PrefixHasher(blocks, options.BlockTokens);
        var root = path[^1];
        hasher.Append(options.ContentSalt, offset: 0, options.SystemTokens);
        hasher.Append(Content(root, part: 1), offset: 0, nodes[root].PromptTokens - options.SystemTokens);
        for (var i = path.Count - 2; i >= 0; i--)
        {
            hasher.Append(Content(path[i + 1], part: 2), offset: 0, nodes[path[i + 1]].OutputTokens);
            hasher.Append(Content(path[i], part: 3), offset: 0, nodes[path[i]].GrowthTokens);
        }

        return blocks;

        ulong Content(int node, ulong part) => options.ContentSalt + (((ulong)node << 2) | part);
    }

    private static Dictionary<int, FollowUp[]> FollowUps(List<Node> nodes)
    {
        var followUps = new Dictionary<int, FollowUp[]>();
        for (var i = 0; i < nodes.Count;)
        {
            // Siblings stand side by side, so each run of equal parents is one entry.
            var parent = nodes[i].Parent;
            var end = i;
            while (end < nodes.Count && nodes[end].Parent == parent) end++;
            if (parent >= 0)
            {
                var children = new FollowUp[end - i];
                for (var child = i; child < end; child++) children[child - i] = new(child, nodes[child].ToolDelay);
                followUps.Add(parent, children);
            }

            i = end;
        }

        return followUps;
    }

    private readonly record struct Node(
        int Program, int Stage, int Parent, Instant Arrival, TimeSpan ToolDelay, int GrowthTokens, int PromptTokens,
        int OutputTokens);

    private sealed record Options(
        double Rate, double Cv, int Programs, int Stages, int Fanout, Law Tool, Law Growth, LengthSource Lengths)
    {
        public int SystemTokens { get; init; }
        public int TotalTokensMax { get; init; }
        public bool HasPrefixes { get; init; }
        public int BlockTokens { get; init; }

        /// <summary>Keeps programs of two descriptions from looking alike to a prefix cache.</summary>
        public ulong ContentSalt { get; init; }

        public static Options Of(Spec spec) => new(
            spec.Number("rate", 1e-6, 1e6), spec.Number("cv", 0, 100, fallback: 1), spec.Count("n", 1, RequestsMax),
            spec.Count("stages", 1, 1000), spec.Count("fanout", 1, 100, fallback: 1),
            Law.TryParse(spec.Text("tool", "0s"), durations: true)
                ?? throw spec.Wrong("tool", spec.Text("tool"), "a duration such as 2s, or exp(2s), uniform(1s,3s)"),
            Law.TryParse(spec.Text("growth", "0")) ?? throw spec.Wrong("growth", spec.Text("growth"), Law.Examples),
            LengthSource.Of(spec))
        {
            SystemTokens = spec.Count("system", 0, 1_000_000, fallback: 0),
            TotalTokensMax = spec.Count("max-total", 2, TraceLimits.TokensMax, TraceLimits.TokensMax),
            BlockTokens = spec.Count("block", 1, 65_536, fallback: 16),
            HasPrefixes = spec.Text("prefixes", "true") switch
            {
                "true" => true,
                "false" => false,
                var found => throw spec.Wrong("prefixes", found, "true or false"),
            },
        };
    }
}
