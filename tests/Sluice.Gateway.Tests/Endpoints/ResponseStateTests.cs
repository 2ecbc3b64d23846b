using System.Text;

namespace Sluice.Gateway.Tests;

public sealed class ResponseStateTests
{
    [Fact]
    public async Task Everybody_who_reads_the_events_of_one_response_gets_them_all()
    {
        var state = Streamed();
        var readers = Enumerable.Range(0, 3).Select(_ => TypesAsync(state)).ToList(); // They wait before anything is there.

        await state.OnDataAsync("""{"choices":[{"delta":{"content":"a"}}]}"""u8.ToArray(), 1, default);
        state.End(new(LiveEnd.Completed, default, 1, 1), null);

        var all = await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("response.completed", all[0][^1]);
        Assert.All(all, types => Assert.Equal(all[0], types));
    }

    [Fact]
    public async Task Text_is_whole_whenever_somebody_looks()
    {
        var state = Streamed();
        var expected = new StringBuilder();
        for (var i = 0; i < 100; i++)
        {
            await state.OnDataAsync(Encoding.UTF8.GetBytes($$$"""{"choices":[{"delta":{"content":"{{{i}}} "}}]}"""), 1, default);
            expected.Append(i).Append(' ');
            if (i % 30 == 0) Assert.Equal(expected.ToString(), TextOf(state));
        }

        state.End(new(LiveEnd.Completed, default, 1, 100), null);

        Assert.Equal(expected.ToString(), TextOf(state));
    }

    private static string TextOf(ResponseState state) => state.ToJson()["output"]![0]!["content"]![0]!["text"]!.GetValue<string>();

    private static ResponseState Streamed() => new(
        ResponseRequest.Read("""{"model":"m","input":"x","stream":true}"""u8.ToArray(), static _ => null, out _)!,
        ResponseState.NewId(), createdAt: 0, hasEvents: true);

    private static async Task<List<string>> TypesAsync(ResponseState state)
    {
        var types = new List<string>();
        await foreach (var (type, _) in state.EventsAsync(0, default)) types.Add(type);
        return types;
    }
}
