using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Gateway.Tests;

/// <summary>The live path with engines that die, stall, answer garbage and come back, over real sockets and the real
/// driver.</summary>
public sealed class ChaosTests
{
    private const int Engines = 4;

    [Theory]
    [InlineData(1, 35, 0)]
    [InlineData(2, 35, 10)]
    [InlineData(3, 40, 8)]
    public async Task Every_request_ends_once_and_every_stream_is_whole(ulong seed, int mishapPercent, int callsPerLife)
    {
        var engines = Enumerable.Range(0, Engines)
            .Select(i => new UnreliableEngine($"engine-{i}", seed + (ulong)i * 1000, mishapPercent, callsPerLife)).ToArray();
        var ends = new CountEnds();
        await using var app = GatewayHost.Build(
            new GatewayOptions
            {
                Port = 0,
                AttemptsMax = 1000, // However unlucky a request is.
                StallAfter = TimeSpan.FromMilliseconds(500),
                SilentAfter = TimeSpan.FromMilliseconds(500),
                ReportEvery = TimeSpan.FromMilliseconds(20),
                ProbeEvery = TimeSpan.FromMilliseconds(5),
                ProbeEveryMax = TimeSpan.FromMilliseconds(20),
                HoldLost = TimeSpan.FromMinutes(1),
            },
            [.. engines.Select(e => new EngineEntry(e.Upstream))]);
        await app.StartAsync();
        app.Services.GetRequiredService<GatewayServices>().Loop.Events.Add(ends);
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };

        var requests = 40 * Cases.Count(1);
        var answers = await Task.WhenAll(Enumerable.Range(0, requests).Select(i => AskAsync(client, i)));

        foreach (var (i, answer) in answers.Index()) Assert.Equal($"{i}: {Expected(i)}", $"{i}: {answer}");
        Assert.Equal(requests, ends.Ends.Count);
        Assert.All(ends.Ends.Values, times => Assert.Equal(1, times));
        Assert.True(engines.Sum(e => e.Mishaps.Where(m => m.Key != Mishap.None).Sum(m => m.Value)) > requests / 8, "too little went wrong");
        if (callsPerLife > 0) Assert.True(engines.Sum(e => e.Deaths) > 0, "no server died");

        await app.StopAsync();
        foreach (var engine in engines) await engine.DisposeAsync();
    }

    private static int LengthOf(int i) => 1 + i % 40;

    private static string Expected(int i) => $"200 {UnreliableEngine.Words(LengthOf(i))} length {LengthOf(i)}";

    /// <returns>Status, text, finish reason and counted tokens.</returns>
    private static async Task<string> AskAsync(HttpClient client, int i)
    {
        var stream = i % 3 > 0;
        var body = $$"""
            {"model":"m","messages":[{"role":"user","content":"request {{i}}"}],"max_tokens":{{LengthOf(i)}}{{(stream
                ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "")}}}
            """;
        using var response = await client.PostAsync("/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        if (response.StatusCode != HttpStatusCode.OK) return $"{(int)response.StatusCode} {text}";
        return "200 " + (stream ? OfStream(text) : OfWhole(JsonDocument.Parse(text).RootElement));
    }

    private static string OfWhole(JsonElement json)
    {
        var choice = json.GetProperty("choices")[0];
        return $"{choice.GetProperty("message").GetProperty("content")} {choice.GetProperty("finish_reason")} " +
            $"{json.GetProperty("usage").GetProperty("completion_tokens")}";
    }

    private static string OfStream(string text)
    {
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => e["data: ".Length..]).ToArray();
        if (events[^1] != "[DONE]") return $"ended with {events[^1]}";
        var said = new StringBuilder();
        var (reasons, tokens) = ("", "");
        foreach (var e in events[..^1])
        {
            var json = JsonDocument.Parse(e).RootElement;
            if (json.TryGetProperty("error", out _)) return $"error {e}";
            foreach (var choice in json.GetProperty("choices").EnumerateArray())
            {
                if (choice.GetProperty("delta").TryGetProperty("content", out var content)) said.Append(content.GetString());
                if (choice.GetProperty("finish_reason").GetString() is { } reason) reasons += reason;
            }

            if (json.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
                tokens += usage.GetProperty("completion_tokens");
        }

        return $"{said} {reasons} {tokens}";
    }
}
