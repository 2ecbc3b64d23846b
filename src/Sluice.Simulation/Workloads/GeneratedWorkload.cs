using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Requests from an arrival process and length distributions, such as
/// <c>poisson:rate=2,n=2000,prompt=512,output=128</c>.</summary>
/// <remarks>
/// Keys beside those of <see cref="ArrivalProcess"/>, <see cref="LengthSource"/>, <see cref="MediaMix"/> and
/// <see cref="ToolMix"/>: <c>n</c> requests or <c>duration</c> of arrivals (one of them), <c>max-total</c> [tokens of
/// prompt and answer; longer ones are cut, the answer first], <c>cap</c> [tokens; what the caller allows as an
/// answer, instead of the true length; longer answers are cut], and the names <c>model</c>, <c>tenant</c> and <c>class</c>.
/// </remarks>
internal static class GeneratedWorkload
{
    private const int RequestsMax = 50_000_000;

    public static Workload Create(Spec spec, Rng rng)
    {
        var arrivals = ArrivalProcess.Of(spec, rng.Fork("arrivals"));
        var lengths = LengthSource.Of(spec);
        var media = new MediaMix(spec, rng.Fork("media"));
        var tools = new ToolMix(spec, rng.Fork("tools"));
        var count = spec.Has("duration") ? int.MaxValue : spec.Count("n", 1, RequestsMax);
        var end = spec.Has("n") ? Instant.Never : new(spec.Duration("duration").Ticks);
        if (spec.Has("n") && spec.Has("duration")) throw spec.Error("has n= and duration=, expected one of them");
        var totalMax = spec.Count("max-total", 2, TraceLimits.TokensMax * 2, TraceLimits.TokensMax * 2);
        int? cap = spec.Has("cap") ? spec.Count("cap", 1, TraceLimits.TokensMax) : null;
        var rate = spec.Text("rate");
        var (model, tenant, @class) = Names(spec);
        spec.Finish();

        var requests = new List<Request>(Math.Min(count, 1 << 20));
        var outputs = new List<int>(requests.Capacity);
        var calls = new Dictionary<int, ToolCall[]>();
        var stream = rng.Fork("lengths");
        for (var at = arrivals.Next(); requests.Count < count && at < end; at = arrivals.Next())
        {
            if (requests.Count == RequestsMax) throw spec.Error($"makes over {RequestsMax} requests; shorten the duration");

            var (prompt, output) = lengths.Draw(ref stream);
            var work = media.Draw();
            prompt = Math.Min(prompt, totalMax - 1 - (work is null ? 0 : Math.Min(work.EncoderTokens, totalMax - 2)));
            prompt += work?.EncoderTokens ?? 0;
            output = Math.Min(output, Math.Min(Math.Max(1, totalMax - prompt), cap ?? int.MaxValue));
            if (tools.Draw(output) is { } called) calls.Add(requests.Count, called);
            outputs.Add(output);
            requests.Add(new()
            {
                Id = new(requests.Count),
                Arrival = at,
                PromptTokens = prompt,
                MaxOutputTokens = cap ?? output,
                Media = work,
            });
        }

        if (requests.Count == 0) throw spec.Error("makes no request, expected a longer duration or a higher rate");
        return new()
        {
            Name = $"{spec.Kind} {rate}/s {lengths.Name}",
            Origin = string.Create(
                CultureInfo.InvariantCulture, $"generated, {requests.Count} requests: {spec}{lengths.Source}"),
            Requests = [.. requests],
            OutputTokens = [.. outputs],
            Calls = calls.Count > 0 ? calls : null,
            Models = [model],
            Tenants = [tenant],
            Classes = [@class],
        };
    }

    /// <summary>The names all requests of one description carry.</summary>
    internal static (string Model, string Tenant, string Class) Names(Spec spec) =>
        (spec.Text("model", "default"), spec.Text("tenant", "default"), spec.Text("class", "default"));
}
