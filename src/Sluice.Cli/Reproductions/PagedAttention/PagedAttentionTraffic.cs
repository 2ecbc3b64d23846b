using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The three kinds of traffic of the paper's evaluation, Poisson each.</summary>
internal sealed class PagedAttentionTraffic
{
    /// <summary>Requests drawn per trace: enough for the highest rate looked at.</summary>
    private const double ShareGptRateMax = 12, AlpacaRateMax = 130;

    public PagedAttentionTraffic(ReproductionContext context)
    {
        // The paper's traces are of one hour. Alpaca has so many requests that one trace and a short one will do.
        var traces = context.IsSmall ? 1 : 4;
        var duration = TimeSpan.FromMinutes(context.IsSmall ? 20 : 60);
        var alpacaDuration = TimeSpan.FromMinutes(context.IsSmall ? 4 : 60);
        ShareGpt = Make("ShareGPT", "lengths=sharegpt", traces, duration, ShareGptRateMax, 2, Conversation);
        Alpaca = Make("Alpaca", "lengths=alpaca", 1, alpacaDuration, AlpacaRateMax, 20, Conversation);
        Chatbot = Make("chatbot", "prompt=1024,output=sharegpt", traces, duration, ShareGptRateMax, 0.8, Chat);
        ShortPrompts = new("short prompts", "prompt=uniform(10,28),output=alpaca", 3000, context.Seed, Conversation);

        ServingTrials Make(
            string name, string lengths, int count, TimeSpan length, double rateMax, double start, Func<int, int, (int, int)?> fit)
        {
            var requests = (int)(rateMax * length.TotalSeconds);
            var draws = Enumerable.Range(0, count).Select(i => new PoissonLoad(name, lengths, requests, context.Seed + (ulong)i, fit));
            return new(name, [.. draws], length, start);
        }
    }

    public ServingTrials ShareGpt { get; }
    public ServingTrials Alpaca { get; }
    public ServingTrials Chatbot { get; }
    public IReadOnlyList<ServingTrials> All => [ShareGpt, Alpaca, Chatbot];

    /// <summary>Alpaca's answers after prompts without a long tail, of about the mean that the paper gives for it: what
    /// sharing would be with them. No claim is compared with this.</summary>
    public PoissonLoad ShortPrompts { get; }

    /// <summary>Those longer than the model takes are dropped: cutting their answers would leave requests of one token, which
    /// weigh heavily in a mean of latency per token.</summary>
    private static (int, int)? Conversation(int prompt, int output) =>
        prompt + output <= Opt13b.ModelTokensMax ? (prompt, output) : null;

    /// <summary>The paper cuts history and query to their last 1,024 tokens, which most reach, and answers after
    /// 1,024.</summary>
    private static (int, int)? Chat(int prompt, int output) => (Math.Min(prompt, 1024), Math.Min(output, 1024));
}
