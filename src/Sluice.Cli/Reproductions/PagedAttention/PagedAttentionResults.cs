using Sluice.Core;

namespace Sluice.Cli;

/// <summary>All that is measured, before it is compared or drawn. Properties are there once the context has run.</summary>
internal sealed class PagedAttentionResults
{
    /// <summary>Load at which the paper counts the requests in a batch, from memory of its figure 13 [requests/s].</summary>
    public const double PaperLoad = 2;

    /// <summary>Sequences per request, for sharing.</summary>
    public static IReadOnlyList<int> Widths { get; } = [2, 4, 6];

    /// <summary>Probability of a step in which beams are drawn anew. The first is the one that rows use.</summary>
    public static IReadOnlyList<double> Redraws { get; } = [1, 1 / 4.0, 1 / 16.0, 1 / 64.0, 1 / 256.0];

    public static IReadOnlyList<int> BlockSizes { get; } = [1, 2, 4, 8, 16, 32, 64, 128, 256];

    private readonly Dictionary<(string Load, Server, int KvTokens), Job<SustainedRate>> _rates = [];
    private readonly Dictionary<(string Load, int BlockTokens), Job<SustainedRate>> _blocks = [];
    private readonly Dictionary<Server, Job<Occupancy>> _atPaperLoad = [];
    private readonly Dictionary<(string Load, Server), Job<Occupancy>> _saturated = [];
    private readonly Dictionary<int, Job<double>> _shortPrompts = [];
    private readonly Dictionary<(string Load, int Width), Job<double>> _samples = [];
    private readonly Dictionary<(string Load, int Width, double Redraw), Job<double>> _beams = [];

    public PagedAttentionResults(ReproductionContext context)
    {
        Traffic = new(context);
        var sharingRequests = context.IsSmall ? 300 : 3000;
        Server[] servers = [.. Opt13b.Servers, Opt13b.PagedOrca];

        // The longest jobs first.
        foreach (var server in servers) AddRate(Traffic.Alpaca, server, Opt13b.KvTokens);
        foreach (var server in (Server[])[Opt13b.Vllm, Opt13b.OrcaOracle, Opt13b.PagedOrca])
            AddRate(Traffic.Alpaca, server, Opt13b.AmpleKvTokens);
        foreach (var trials in (ServingTrials[])[Traffic.Alpaca, Traffic.ShareGpt])
            foreach (var size in BlockSizes)
                _blocks.Add((trials.Name, size), context.Later(() => trials.HighestRate(Opt13b.Vllm, Opt13b.Options(blockTokens: size))));
        foreach (var trials in (ServingTrials[])[Traffic.ShareGpt, Traffic.Chatbot])
            foreach (var server in servers) AddRate(trials, server, Opt13b.KvTokens);
        foreach (var trials in (ServingTrials[])[Traffic.ShareGpt, Traffic.Alpaca]) AddSharing(trials);
        foreach (var width in Widths)
            _shortPrompts.Add(width, context.Later(() => Sharing.Samples(Traffic.ShortPrompts, sharingRequests, width).Saving));
        foreach (var server in servers) _atPaperLoad.Add(server, context.Later(() => Traffic.ShareGpt.At(server, PaperLoad)));
        context.RunAll();

        // These need a system's own highest rate.
        foreach (var trials in (ServingTrials[])[Traffic.ShareGpt, Traffic.Chatbot])
            foreach (var server in servers)
                _saturated.Add((trials.Name, server), context.Later(() => trials.Saturated(server, Rate(trials, server).Rate)));
        context.RunAll();

        void AddRate(ServingTrials trials, Server server, int kvTokens) =>
            _rates.Add((trials.Name, server, kvTokens), context.Later(
                () => trials.HighestRate(server, Opt13b.Options(kvTokens: kvTokens), withLowRates: true)));

        void AddSharing(ServingTrials trials)
        {
            foreach (var width in Widths)
            {
                _samples.Add((trials.Name, width), context.Later(() => Sharing.Samples(trials.Trace, sharingRequests, width).Saving));
                foreach (var redraw in Redraws)
                {
                    var rng = new Rng(context.Seed).Fork($"beams {trials.Name} {width}");
                    _beams.Add((trials.Name, width, redraw), context.Later(
                        () => Sharing.Beams(trials.Trace, sharingRequests, width, redraw, rng).Saving));
                }
            }
        }
    }

    public PagedAttentionTraffic Traffic { get; }

    public SustainedRate Rate(ServingTrials trials, Server server, int kvTokens = Opt13b.KvTokens) =>
        _rates[(trials.Name, server, kvTokens)].Result;

    /// <summary>How many times the rate of another system vLLM sustains.</summary>
    public double Gain(ServingTrials trials, Server over, int kvTokens = Opt13b.KvTokens) =>
        Rate(trials, Opt13b.Vllm, kvTokens).Rate / Rate(trials, over, kvTokens).Rate;

    /// <summary>What paging alone gains: Orca with pages over Orca with exact ranges.</summary>
    public double PagingGain(ServingTrials trials, int kvTokens = Opt13b.KvTokens) =>
        Rate(trials, Opt13b.PagedOrca, kvTokens).Rate / Rate(trials, Opt13b.OrcaOracle, kvTokens).Rate;

    /// <summary>On ShareGPT.</summary>
    public Occupancy AtPaperLoad(Server server) => _atPaperLoad[server].Result;

    public Occupancy Saturated(ServingTrials trials, Server server) => _saturated[(trials.Name, server)].Result;

    public double ShortPromptSamples(int width) => _shortPrompts[width].Result;

    public double Samples(ServingTrials trials, int width) => _samples[(trials.Name, width)].Result;

    public double Beams(ServingTrials trials, int width, double redraw = 1) => _beams[(trials.Name, width, redraw)].Result;

    /// <summary>vLLM's highest rate with this block size, as a share of the best over all sizes.</summary>
    public double BlockShare(ServingTrials trials, int blockTokens) =>
        _blocks[(trials.Name, blockTokens)].Result.Rate / BlockSizes.Max(size => _blocks[(trials.Name, size)].Result.Rate);

    /// <summary>The largest block size that sustains at least 95 % of what the best one does.</summary>
    public int LargestGoodBlock(ServingTrials trials) => BlockSizes.Last(size => BlockShare(trials, size) >= 0.95);
}
