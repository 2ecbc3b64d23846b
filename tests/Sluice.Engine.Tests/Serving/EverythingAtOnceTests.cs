using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>Two engines, short of memory, and everything that can happen to a sequence at random: siblings, drafts, eviction
/// and return, moves there and back, cancellation. Whoever was not cancelled has the answer it would have alone.</summary>
public sealed class EverythingAtOnceTests
{
    private const int Requests = 26;
    private static readonly int[][] s_prompts = [.. Enumerable.Range(0, Requests).Select(PromptOf)];
    private static readonly Recorder[] s_alone = [.. s_prompts.Select(p => Loops.Alone(p, 30, samples: 3))];

    public static TheoryData<string> EverySystem => [.. Systems.Names.Concat(Systems.Variants.Where(v => !v.Contains("kv=")))];

    [Theory, MemberData(nameof(EverySystem))]
    public void Nothing_that_happens_to_a_sequence_changes_its_answer(string system)
    {
        var moves = 0;
        for (var seed = 0UL; seed < 6; seed++)
            moves += new Script(system, seed, [new FakeTransformer(44), new FakeTransformer(44)], s_alone).Run();
        Assert.True(moves > 3);
    }

    /// <summary>The same with the transformer itself, on models with random weights: tokens and logits bit for bit.</summary>
    [Theory]
    [InlineData("llama", "vllm-v1")]
    [InlineData("llama", "srpt")]
    [InlineData("qwen2", "vllm-v0 preemption=swap")]
    [InlineData("qwen3", "vllm-v1 chunk-tokens=7")]
    [InlineData("mixture", "vllm-v1")]
    [InlineData("mixture", "vllm-v0 preemption=swap")]
    public void Nothing_that_happens_to_a_sequence_changes_a_bit_of_its_logits(string architecture, string system)
    {
        var isMixture = architecture == "mixture";
        var random = new RandomModel
        {
            Architecture = isMixture ? "llama" : architecture, Vocabulary = 61, Dim = 64, FeedForward = 64, Layers = 2,
            Experts = isMixture ? 4 : 0, TypeOf = _ => GgufTensorType.Q8_0,
        };
        using var onDisk = new TestModelFile(random.AddTo(new GgufWriter()));
        using var file = GgufFile.Open(onDisk.Path);
        var config = ModelConfig.Read(file);
        using var alone = new Transformer(file, config, new() { Threads = 1, TotalBlocks = 32 });
        using var first = new Transformer(file, config, new() { Threads = 1, TotalBlocks = 17 });
        using var second = new Transformer(file, config, new() { Threads = 2, TotalBlocks = 17 });
        Recorder[] expected = [.. s_prompts.Select(p => Loops.Alone(p, 30, samples: 3, alone))];

        var moves = 0;
        for (var seed = 0UL; seed < 2; seed++) moves += new Script(system, seed, [first, second], expected).Run();
        Assert.True(moves > 0);
    }

    /// <summary>Some begin alike, so that prefixes are shared.</summary>
    private static int[] PromptOf(int i) =>
        [.. Loops.Prompt(i % 3, i % 4 == 0 ? 14 : 0), .. Loops.Prompt(500 + i, 1 + i * 7 % 33)];

    private sealed class Script(string system, ulong seed, ITransformer[] models, Recorder[] expected)
    {
        private readonly ServingLoop[] _loops =
        [
            .. Enumerable.Range(0, 2).Select(i => Loops.Of(models[i], system, new()
            {
                TokenBudget = 20 + (int)(seed % 3) * 15, SequencesMax = 7, HostBlocks = i * 25, PrefixCache = seed % 2 == 0,
                ExportBlocksPerStep = 2, HashKey = (1, 2),
            })),
        ];

        private readonly Recorder[] _recorders = new Recorder[Requests];
        private readonly (Generation Generation, int Loop)?[] _live = new (Generation, int)?[Requests];
        private readonly bool[] _isCancelled = new bool[Requests];
        private readonly List<(int Request, int From)> _evicted = [];
        private readonly List<(int Request, int To, SequenceImage Image)> _between = [];
        private readonly HashSet<int> _moving = [];
        private Rng _rng = new Rng(seed).Fork(system);
        private int _moves;

        public int Run()
        {
            var next = 0;
            for (var step = 0; next < Requests || _loops.Any(l => l.HasWork) || _evicted.Count > 0 || _between.Count > 0; step++)
            {
                Assert.True(step < 20_000, $"{system}, seed {seed}: goes on for ever");
                if (next < Requests && _rng.Next(3) == 0) Submit(next++);
                Disturb();
                foreach (var loop in _loops) loop.Step();
            }

            foreach (var loop in _loops) loop.AssertAtRest();
            for (var i = 0; i < Requests; i++) AssertAnswer(i);
            return _moves;
        }

        private void Submit(int i)
        {
            var samples = i % 5 == 3 ? 3 : 1;
            _recorders[i] = new(samples);
            var at = _rng.Next(2);
            var draft = i % 3 == 1 ? new PromptLookup(new() { EndingMin = 1 }) : null;
            _live[i] = (_loops[at].Submit(Loops.Request(_recorders[i], s_prompts[i], 30, samples, draft, priority: i % 2)), at);
        }

        private void Disturb()
        {
            var i = _rng.Next(Requests);
            switch (_rng.Next(6))
            {
                case 0 when _rng.Next(8) == 0 && _live[i] is { } live && !_moving.Contains(i):
                    _loops[live.Loop].Cancel(live.Generation);
                    _isCancelled[i] = true;
                    break;
                case 1 when _live[i] is { } live && !_moving.Contains(i) && !_evicted.Contains((i, live.Loop)):
                    _loops[live.Loop].Evict(live.Generation);
                    _evicted.Add((i, live.Loop));
                    break;
                case 2 when _evicted.Count > 0:
                    var (back, from) = _evicted[0];
                    _evicted.RemoveAt(0);
                    _loops[from].Resume(_live[back]!.Value.Generation);
                    break;
                case 3 when _live[i] is { } live && _recorders[i].Answers.Length == 1 && _moving.Add(i):
                    _loops[live.Loop].MoveOut(live.Generation, image =>
                    {
                        if (image is null) _moving.Remove(i);
                        else _between.Add((i, 1 - live.Loop, image));
                    });
                    break;
                case 4 when _between.Count > 0:
                    var (moved, to, image) = _between[0];
                    if (_loops[to].TryMoveIn(image, out var generation) != Refusal.None) break;
                    _between.RemoveAt(0);
                    _moving.Remove(moved);
                    _live[moved] = (generation!, to);
                    _moves++;
                    break;
            }
        }

        private void AssertAnswer(int i)
        {
            for (var sample = 0; sample < _recorders[i].Answers.Length; sample++)
            {
                var (alone, heard) = (expected[i].Answers[sample], _recorders[i].Answers[sample]);
                Assert.Equal(1, heard.Ends);
                if (_isCancelled[i])
                {
                    Assert.Equal(alone.Tokens[..heard.Tokens.Count], heard.Tokens);
                    continue;
                }

                Assert.Equal(alone.Tokens, heard.Tokens);
                Assert.Equal(alone.Logits, heard.Logits);
                Assert.Equal(alone.End!.Value.Reason, heard.End!.Value.Reason);
            }
        }
    }
}
