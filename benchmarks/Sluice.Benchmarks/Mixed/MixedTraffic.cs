using System.Globalization;
using System.Text;
using Sluice.Core;

namespace Sluice.Benchmarks;

/// <summary>A batch, and people who chat while it runs.</summary>
/// <param name="Lines">Of the batch.</param>
/// <param name="ChatsPerSecond">Poisson.</param>
/// <param name="ChatFor">Time from the first to the last.</param>
/// <param name="LineTokens">Mean of the lines' answers.</param>
/// <param name="Lead">The batch comes so long after the first chats; zero for chats that come when its lines run.</param>
/// <param name="OthersShare">Of the chats, with the fleet's other model.</param>
internal sealed record MixedTraffic(
    int Lines, double ChatsPerSecond, TimeSpan ChatFor, double OthersShare = 0, TimeSpan Lead = default, int LineTokens = 300,
    ulong Seed = 42)
{
    private const string Model = "demo/llama-3.1-8b", Other = "demo/qwen3-30b-a3b";

    /// <summary>Promised to chats: the class's own 2 s to the first token.</summary>
    public static readonly TimeSpan Ttft = TimeSpan.FromSeconds(2);

    private const int LinePromptTokens = 500, ChatPromptTokens = 200, ChatOutputTokens = 150;

    /// <summary>One chat: when it comes after the chats began, and its body.</summary>
    public readonly record struct Chat(TimeSpan At, byte[] Body);

    /// <summary>The input file: prompts of some 500 tokens, answers spread exponentially and cut at four times their mean.</summary>
    public byte[] InputFile()
    {
        var rng = new Rng(Seed).Fork("lines");
        var file = new StringBuilder();
        for (var i = 0; i < Lines; i++)
        {
            var body = Body(ref rng, Model, LinePromptTokens, LineTokens, stream: false);
            file.Append(CultureInfo.InvariantCulture, $$"""{"custom_id":"line-{{i}}","method":"POST","url":"/v1/chat/completions",""");
            file.Append(CultureInfo.InvariantCulture, $"\"body\":{body}}}\n");
        }

        return Encoding.UTF8.GetBytes(file.ToString());
    }

    public Chat[] Chats()
    {
        var rng = new Rng(Seed).Fork("chats");
        var chats = new List<Chat>();
        var at = 0.0;
        while (true)
        {
            at += Exponential(ref rng, 1 / ChatsPerSecond);
            if (at >= ChatFor.TotalSeconds) return [.. chats];
            var model = rng.NextDouble() < OthersShare ? Other : Model;
            var body = Body(ref rng, model, ChatPromptTokens, ChatOutputTokens, stream: true);
            chats.Add(new(TimeSpan.FromSeconds(at), Encoding.UTF8.GetBytes(body)));
        }
    }

    private static string Body(ref Rng rng, string model, int promptTokens, int meanOutputTokens, bool stream)
    {
        var text = new StringBuilder();
        for (var i = 0; i < promptTokens; i++) text.Append((char)('a' + rng.Next(26))).Append("bc ");
        var output = (int)Math.Clamp(Math.Round(Exponential(ref rng, meanOutputTokens)), 1, 4 * meanOutputTokens);
        return $$"""
            {"model":"{{model}}","messages":[{"role":"user","content":"{{text}}"}],"max_tokens":{{output}},"ignore_eos":true,
            """ + $"\"stream\":{(stream ? "true" : "false")}}}";
    }

    private static double Exponential(ref Rng rng, double mean) => -mean * Math.Log(1 - rng.NextDouble());
}
