using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Policies;
using Sluice.Testing;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Embeddings of a model file, with random weights, against its own hidden states.</summary>
public sealed class InProcessEmbeddingTests : IDisposable
{
    private const int Dim = 64;

    private readonly TestModelFile _file = new(
        new RandomModel { Vocabulary = TestTokenizer.ByteLevel().Vocabulary.Count, Dim = Dim, FeedForward = 64 }
            .AddTo(new GgufWriter().AddByteLevel().Number("llama.pooling_type", (uint)Pooling.Mean)));

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task A_text_becomes_the_mean_of_its_states_with_length_one()
    {
        const string Text = "one two three four five six seven eight nine ten"; // Several steps of 8 tokens.
        var tokens = TestTokenizer.ByteLevel().Encode(Text);

        var answer = await EmbedAsync($$"""{"input":"{{Text}}"}""");

        Assert.True(tokens.Length > 16);
        var expected = Expected(tokens);
        var vector = Vector(answer.GetProperty("data")[0]);
        Assert.Equal(Dim, vector.Length);
        for (var i = 0; i < Dim; i++) Assert.Equal(expected[i], vector[i], 1e-5);
        Assert.Equal(tokens.Length, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Texts_ids_and_either_encoding_give_the_same_numbers()
    {
        var ids = string.Join(',', TestTokenizer.ByteLevel().Encode("second text"));

        var alone = await EmbedAsync("""{"input":"second text"}""");
        var listed = await EmbedAsync("""{"input":["first","second text"]}""");
        var asIds = await EmbedAsync($$"""{"input":[{{ids}}]}""");
        var encoded = await EmbedAsync("""{"input":"second text","encoding_format":"base64"}""");

        var vector = Vector(alone.GetProperty("data")[0]);
        Assert.Equal(2, listed.GetProperty("data").GetArrayLength());
        Assert.Equal(vector, Vector(listed.GetProperty("data")[1]));
        Assert.NotEqual(vector, Vector(listed.GetProperty("data")[0]));
        Assert.Equal(vector, Vector(asIds.GetProperty("data")[0]));
        var bytes = encoded.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64();
        Assert.Equal(vector, MemoryMarshal.Cast<byte, float>(bytes).ToArray());
    }

    [Theory]
    [InlineData("""{"input":[]}""", "a text is empty")]
    [InlineData("""{"model":"m"}""", "input is missing")]
    [InlineData("""{"input":"x","dimensions":8}""", "cannot be cut to 8")]
    public async Task What_cannot_be_used_is_refused_by_name(string body, string message)
    {
        var sink = new Sink();

        await using var upstream = await UpAsync();
        var outcome = await upstream.CallAsync(Call(body), sink, default);

        Assert.Equal((CallEnd.Refused, 400), (outcome.End, outcome.Status));
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    private double[] Expected(int[] tokens)
    {
        using var file = GgufFile.Open(_file.Path);
        using var model = new Transformer(file, ModelConfig.Read(file), new() { Threads = 1, TotalBlocks = 8 });
        var batch = new ForwardBatch();
        batch.Add(tokens, 0, Enumerable.Range(0, 8).ToArray(), tokens.Length);
        var hidden = new float[tokens.Length * Dim];
        model.ForwardHidden(batch, hidden);
        double[] sums = [.. Enumerable.Range(0, Dim).Select(i => hidden.Where((_, at) => at % Dim == i).Sum(x => (double)x))];
        var length = Math.Sqrt(sums.Sum(x => x * x));
        return [.. sums.Select(x => x / length)];
    }

    private async Task<InProcessUpstream> UpAsync()
    {
        var upstream = new InProcessUpstream(
            new()
            {
                Models = [new("m", _file.Path)],
                Open = file => OpenModel.Open(file.Path, new()
                {
                    Scheduler = () => new RunningFirst(new()), Threads = 1, Serving = new() { TokenBudget = 8 },
                }).Serve(file.Name),
            }, TimeProvider.System);
        Assert.True(await upstream.LoadAsync("m", default));
        return upstream;
    }

    private async Task<JsonElement> EmbedAsync(string body)
    {
        var sink = new Sink();
        await using var upstream = await UpAsync();
        var outcome = await upstream.CallAsync(Call(body), sink, default);
        Assert.Equal((CallEnd.Completed, 200), (outcome.End, outcome.Status));
        return sink.Json;
    }

    private static float[] Vector(JsonElement data) => [.. data.GetProperty("embedding").EnumerateArray().Select(x => x.GetSingle())];

    private static UpstreamCall Call(string body) => new()
    {
        Id = new(1), Api = UpstreamApi.Embeddings, Model = "m", Body = Encoding.UTF8.GetBytes(body), Stream = false, ExternalId = "x",
    };

    private sealed class Sink : IAnswerSink
    {
        public JsonElement Json { get; private set; }

        public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
        {
            Json = JsonDocument.Parse(json.ToArray()).RootElement;
            return ValueTask.CompletedTask;
        }
    }
}
