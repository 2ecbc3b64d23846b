using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>Builders for loops over the fake model, and what holds of each when it rests.</summary>
internal static class Loops
{
    public const int EndToken = 7;

    public static ServingLoop Of(
        ITransformer model, string system = "vllm-v1", ServingOptions? options = null) =>
        new(model, Systems.Make(system).Iteration(), options ?? new(), TimeProvider.System);

    public static int[] Prompt(int seed, int tokens, int vocabulary = 61)
    {
        var rng = new Rng((ulong)seed).Fork("prompt");
        var prompt = new int[tokens];
        for (var i = 0; i < tokens; i++) prompt[i] = rng.Next(vocabulary);
        return prompt;
    }

    /// <summary>A prompt whose answer goes on to its limit.</summary>
    public static int[] TalkativePrompt(int tokens, int maxOutputTokens = 40)
    {
        for (var seed = 1000; ; seed++)
        {
            var prompt = Prompt(seed, tokens);
            if (Alone(prompt, maxOutputTokens).Answer.End!.Value.Reason == EndReason.Length) return prompt;
        }
    }

    public static GenerationRequest Request(
        Recorder recorder, int[] prompt, int maxOutputTokens = 40, int samples = 1, IDraft? draft = null, int priority = 0) =>
        new()
        {
            Prompt = prompt,
            MaxOutputTokens = maxOutputTokens,
            Samples = samples,
            Chooser = sample => recorder.Chooser(sample, EndToken),
            Sink = recorder,
            Draft = draft,
            Priority = priority,
        };

    public static Generation Submit(this ServingLoop loop, GenerationRequest request)
    {
        Assert.Equal(Refusal.None, loop.TrySubmit(request, out var generation));
        return generation!;
    }

    /// <summary>The answer of a sequence that has an engine and much memory to itself.</summary>
    public static Recorder Alone(int[] prompt, int maxOutputTokens = 40, int samples = 1, ITransformer? model = null)
    {
        var recorder = new Recorder(samples);
        for (var sample = 0; sample < samples; sample++)
        {
            var one = sample;
            var loop = Of(model ?? new FakeTransformer(totalBlocks: 1024), options: new() { PrefixCache = false });
            var single = new Recorder { After = null };
            loop.Submit(Request(single, prompt, maxOutputTokens) with { Chooser = _ => recorder.Chooser(one, EndToken) });
            loop.Drain();
            recorder.Answers[sample].Tokens.AddRange(single.Answer.Tokens);
            recorder.Answers[sample].End = single.Answer.End;
        }

        return recorder;
    }

    public static void Drain(this ServingLoop loop, Action<int>? between = null)
    {
        for (var step = 0; loop.HasWork; step++)
        {
            between?.Invoke(step);
            loop.Step();
            Assert.True(step < 100_000, "the loop goes on for ever");
        }

        loop.AssertAtRest();
    }

    public static void AssertAtRest(this ServingLoop loop)
    {
        for (var block = 0; block < loop.Cache.TotalBlocks; block++) Assert.Equal(0, loop.Cache.References(block));
        Assert.Equal(loop.Cache.TotalBlocks, loop.Cache.FreeBlocks);
        Assert.Equal(loop.Cache.HostBlocks, loop.Cache.HostFreeBlocks);
        Assert.Equal((0, 0, 0), (loop.Outstanding, loop.Core.Outstanding, loop.Runner.Sequences));
    }

    public static void AssertSame(Recorder expected, Recorder actual)
    {
        for (var i = 0; i < expected.Answers.Length; i++)
        {
            Assert.Equal(expected.Answers[i].Tokens, actual.Answers[i].Tokens);
            Assert.Equal(expected.Answers[i].Logits, actual.Answers[i].Logits);
            Assert.Equal(expected.Answers[i].End!.Value.Reason, actual.Answers[i].End!.Value.Reason);
            Assert.Equal(1, actual.Answers[i].Ends);
        }
    }
}
