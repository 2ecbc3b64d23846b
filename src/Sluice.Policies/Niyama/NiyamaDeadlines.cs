using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Where a prompt stands: its deadline plus alpha times the work left.</summary>
/// <remarks>Source: QoServe (ASPLOS 2026). Interactive: arrival + TTFT + alpha × prompt left; others: arrival + E2E + alpha ×
/// (prompt left + predicted answer). Promised nothing: behind whoever was promised something.</remarks>
internal sealed class NiyamaDeadlines(NiyamaOptions options)
{
    /// <summary>Keys from here on belong to requests without any deadline.</summary>
    private const long BestEffort = 1L << 60;

    private readonly TokenDeadlines _due =
        new(options.Anchor, TimeSpan.FromSeconds(options.BatchPace), options.Deviations);

    /// <summary>Weight of a token of work [ticks].</summary>
    public double Alpha { get; set; } = options.AlphaLow * TimeSpan.TicksPerSecond;

    public Instant OfPrompt(in Sequence s) => _due.OfPrompt(in s);

    public Instant OfNextToken(in Sequence s, int outputTokens) => _due.OfNextToken(in s, outputTokens);

    /// <summary>Place among prompts that are not relegated; smaller is first.</summary>
    /// <param name="promptLeft">Tokens of it not computed yet.</param>
    public long KeyOf(in Sequence s, int promptLeft)
    {
        var request = s.Request;
        if (options.Order is PromptOrder.FirstCome) return request.Arrival.Ticks;
        if (request.Slo.Ttft != TimeSpan.MaxValue) return request.FirstTokenDeadline.Ticks + (long)(Alpha * promptLeft);
        return request.Slo.E2e == TimeSpan.MaxValue
            ? BestEffort + request.Arrival.Ticks
            : request.AnswerDeadline.Ticks + (long)(Alpha * (promptLeft + _due.AnswerTokens(in s)));
    }
}
