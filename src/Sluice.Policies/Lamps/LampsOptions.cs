using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What goes first of those who wait.</summary>
public enum LampsOrder
{
    /// <summary>Least memory over time.</summary>
    Area,

    /// <summary>First come, first served.</summary>
    Arrival,

    /// <summary>Shortest predicted output to the next call or the end.</summary>
    Length,
}

public sealed record LampsOptions
{
    public LampsOrder Order { get; init; } = LampsOrder.Area;

    /// <summary>What becomes of the KV during a call; null for the least waste.</summary>
    public CallHandling? Handling { get; init; }

    /// <summary>Choose at the call, from what runs then, instead of when the request comes or goes on.</summary>
    public bool ChoosesAtCall { get; init; }

    /// <summary>Durations and answers of tools are averages of what was seen, instead of the truth.</summary>
    public bool Averages { get; init; } = true;

    /// <summary>Standard deviation of the logarithm of predicted tokens to the next call. The paper's predictor is 3 tokens off on
    /// average [S], about 0.1 of its segments [I].</summary>
    public double LengthSigma { get; init; } = 0.1;

    public int Saturation { get; init; } = CallWaste.SaturationTokens;

    /// <summary>Steps passed over after which a request goes first; 0 for never.</summary>
    public int StarvedAfter { get; init; } = 100;

    /// <summary>Those steps are counted before the first token, too. In a long queue everybody is starved then, and the rank decides
    /// nothing; the artifact counts from the first token on.</summary>
    public bool GuardsAll { get; init; }

    public static LampsOptions Read(PolicySettings s)
    {
        var byDefault = new LampsOptions();
        return new()
        {
            Order = s.Word("order", "what goes first of those who wait", "area", "arrival", "length") switch
            {
                "arrival" => LampsOrder.Arrival,
                "length" => LampsOrder.Length,
                _ => LampsOrder.Area,
            },
            Handling = s.Word("handling", "KV while a tool works", "least-waste", "preserve", "recompute", "swap") switch
            {
                "preserve" => CallHandling.Preserve,
                "recompute" => CallHandling.Recompute,
                "swap" => CallHandling.Swap,
                _ => null,
            },
            ChoosesAtCall = s.Word("chosen", "when that is decided", "arrival", "call") == "call",
            Averages = s.Word("calls", "durations and answers of tools", "averages", "oracle") == "averages",
            LengthSigma = s.Number(
                "segment-sigma", "noise of the predicted tokens to the next call, log-normal", byDefault.LengthSigma, 0, 10),
            Saturation = s.Whole("saturation", "tokens a step takes without growing longer", byDefault.Saturation, 1, 1 << 20),
            StarvedAfter = s.Whole(
                "starved-after", "steps passed over after which a request goes first, 0 for never", byDefault.StarvedAfter, 0, 1 << 20),
            GuardsAll = s.Word("guards", "whose steps are counted for that", "begun", "all") == "all",
        };
    }
}
