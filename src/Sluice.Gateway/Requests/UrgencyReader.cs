using System.Globalization;
using Microsoft.Extensions.Primitives;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Reads every spelling of urgency that callers use, in one order of precedence; docs/slos.md has it as a
/// table.</summary>
/// <remarks>The class first: own header, SMG's header, llm-d's objective, Dynamo's header and hints, <c>priority</c>,
/// <c>service_tier</c>, the key's default, the usual one. Then single promises, which override the class's: own headers,
/// llm-d's, LiteLLM's time-outs. Last, an SDK's read time-out caps what is waited for.</remarks>
internal sealed class UrgencyReader(GatewayOptions options)
{
    /// <summary>Share of a client's patience after which it is answered, so that it hears the answer.</summary>
    private const double PatienceShare = 0.95;

    private readonly SloClasses _classes = options.Classes;

    /// <returns>What cannot be read, or null.</returns>
    public ApiError? Read(IHeaderDictionary headers, in BodyFacts facts, Caller caller, out Urgency urgency)
    {
        urgency = default;
        if (ClassOf(headers, in facts, caller, out var id, out var priority) is { } wrongClass) return wrongClass;
        if (caller.Classes is { } allowed && !allowed.Contains(_classes[id].Name, StringComparer.OrdinalIgnoreCase))
            return new(403, "invalid_request_error", "class_not_allowed",
                $"This key may not use the class '{_classes[id].Name}'; it may use: {string.Join(", ", allowed)}.");

        var byClass = _classes[id];
        var (slo, queueMax, refuses, isOwn) = (byClass.Slo, byClass.QueueMax, byClass.Refuses, false);
        var interruption = byClass.OnInterruption;

        if (Milliseconds(headers, "x-sluice-ttft-ms", "x-llm-d-slo-ttft-ms", "x-slo-ttft-ms", out var ttft) is { } wrongTtft)
            return wrongTtft;
        if (Milliseconds(headers, "x-sluice-tpot-ms", "x-llm-d-slo-tpot-ms", "x-slo-tpot-ms", out var tpot) is { } wrongTpot)
            return wrongTpot;
        if (Milliseconds(headers, "x-sluice-e2e-ms", null, null, out var e2e) is { } wrongE2e) return wrongE2e;
        if (Milliseconds(headers, "x-sluice-queue-timeout-ms", null, null, out var patience) is { } wrongWait) return wrongWait;
        if (ttft is not null || tpot is not null || e2e is not null)
        {
            // Whoever names a promise of their own gets that, not half of their class's beside it.
            slo = new(ttft ?? TimeSpan.MaxValue, tpot ?? TimeSpan.MaxValue, e2e ?? TimeSpan.MaxValue);
            refuses = true;
        }

        if (Seconds(headers, "x-litellm-stream-timeout") is { } first && facts.IsStream) slo = slo with { Ttft = Min(slo.Ttft, first) };
        if (Seconds(headers, "x-litellm-timeout") is { } whole) slo = slo with { E2e = Min(slo.E2e, whole) };
        if (patience is { } own) (queueMax, isOwn) = (own, true);
        if (Seconds(headers, "x-stainless-read-timeout") is { } read)
        {
            if (facts.IsStream) slo = slo with { Ttft = Min(slo.Ttft, read) };
            else slo = slo with { E2e = Min(slo.E2e, read) };
            if (read * PatienceShare < queueMax) (queueMax, isOwn) = (read * PatienceShare, true);
        }

        if (Text(headers, "x-sluice-on-late") is { } late)
        {
            if (late is not ("hold" or "refuse")) return Wrong("x-sluice-on-late", late, "'hold' or 'refuse'");
            refuses = late == "refuse";
        }

        if (Text(headers, "x-sluice-on-interruption") is { } interrupted)
        {
            if (Interruptions.TryParse(interrupted, out interruption) == false)
                return Wrong("x-sluice-on-interruption", interrupted, Interruptions.Known);
        }

        urgency = new(id, slo, priority, queueMax, isOwn, refuses, interruption);
        return null;
    }

    private ApiError? ClassOf(IHeaderDictionary headers, in BodyFacts facts, Caller caller, out ClassId id, out int priority)
    {
        priority = 0;
        id = _classes.IdOf(SloClasses.Usual);
        if (Text(headers, "x-sluice-class") is { } named)
        {
            if (_classes.TryFind(named, out id)) return null;
            return Wrong("x-sluice-class", named, $"one of {string.Join(", ", _classes.All.Select(c => c.Name))}");
        }

        if (Text(headers, "x-smg-priority") is { } smg)
        {
            id = _classes.IdOf(smg.ToLowerInvariant() switch
            {
                "system" or "interactive" => SloClasses.Interactive,
                "bulk" => SloClasses.Background,
                _ => SloClasses.Usual,
            });
            return null;
        }

        // Objectives are objects in somebody's cluster; one that is called like a class means that class.
        if ((Text(headers, "x-llm-d-inference-objective") ?? Text(headers, "x-gateway-inference-objective")) is { } objective &&
            _classes.TryFind(objective, out var byObjective))
        {
            id = byObjective;
            return null;
        }

        if (PriorityOf(headers, in facts, out var spelled) is { } wrong) return wrong;
        if (spelled is { } lowerFirst)
        {
            priority = (int)Math.Clamp(lowerFirst, int.MinValue + 1, int.MaxValue);
            if (priority != 0)
            {
                id = _classes.IdOf(priority < 0 ? SloClasses.Interactive : SloClasses.Background);
                return null;
            }
        }

        switch (facts.ServiceTier)
        {
            case "flex":
                id = _classes.IdOf(SloClasses.Background);
                return null;
            case "priority" or "fast" or "ultrafast" or "scale":
                id = _classes.IdOf(SloClasses.Interactive);
                return null;
            case null or "auto" or "default":
                break;
            default:
                return ApiError.BadRequest(
                    $"'service_tier' is '{facts.ServiceTier}'; it must be auto, default, flex, scale, priority or fast.", "service_tier",
                    "invalid_value");
        }

        if (caller.Class is { } byKey && _classes.TryFind(byKey, out var ofKey)) id = ofKey;
        return null;
    }

    /// <summary>In vLLM's sense, smaller is earlier.</summary>
    private ApiError? PriorityOf(IHeaderDictionary headers, in BodyFacts facts, out long? lowerFirst)
    {
        lowerFirst = null;
        var header = Text(headers, "x-dynamo-request-strict-priority") ?? Text(headers, "x-dynamo-request-priority");
        if (header is not null)
        {
            if (!long.TryParse(header, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var higherFirst))
                return Wrong("x-dynamo-request-priority", header, "a whole number");
            lowerFirst = Negated(higherFirst);
        }
        else if (facts.HintPriority is { } hint)
        {
            lowerFirst = Negated(hint);
        }
        else if (facts.Priority is { } body)
        {
            lowerFirst = options.Priority == PriorityPolarity.LowerFirst ? body : Negated(body);
        }

        return null;
    }

    private static long Negated(long value) => value == long.MinValue ? long.MaxValue : -value;
    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static string? Text(IHeaderDictionary headers, string name) =>
        headers.TryGetValue(name, out var value) && !StringValues.IsNullOrEmpty(value) ? value.ToString() : null;

    private static ApiError? Milliseconds(IHeaderDictionary headers, string own, string? llmD, string? old, out TimeSpan? value)
    {
        value = null;
        var name = own;
        var text = Text(headers, own);
        if (text is null && llmD is not null) text = Text(headers, name = llmD);
        if (text is null && old is not null) text = Text(headers, name = old);
        if (text is null) return null;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var ms) || ms <= 0 || ms > 1e12)
            return Wrong(name, text, "a number of milliseconds above 0");
        value = TimeSpan.FromMilliseconds(ms);
        return null;
    }

    /// <summary>Seconds that SDKs and proxies send along; one that means nothing is ignored, because its sender did not choose
    /// it.</summary>
    private static TimeSpan? Seconds(IHeaderDictionary headers, string name) =>
        Text(headers, name) is { } text &&
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 1e9
            ? TimeSpan.FromSeconds(seconds)
            : null;

    private static ApiError Wrong(string name, string value, string right) =>
        ApiError.BadRequest($"The header '{name}' is '{value}'; it must be {right}.", name, "invalid_header");
}
