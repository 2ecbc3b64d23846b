using System.Text;

namespace Sluice.Gateway.Tests;

public sealed class ServiceTierTests
{
    [Theory]
    [InlineData("{\"id\":1}", "{\"service_tier\":\"flex\",\"id\":1}")]
    [InlineData("{\"id\":1,\"service_tier\":null}", "{\"id\":1,\"service_tier\":\"flex\"}")]
    [InlineData("{\"service_tier\" : \"auto\" ,\"a\":[{\"service_tier\":2}]}", "{\"service_tier\" : \"flex\" ,\"a\":[{\"service_tier\":2}]}")]
    public void The_tier_stands_in_the_answer_once(string json, string with) =>
        Assert.Equal(with, Encoding.UTF8.GetString(ServiceTiers.Put(Encoding.UTF8.GetBytes(json), "flex").Span));

    [Theory]
    [InlineData(null, "interactive", null)]
    [InlineData("fast", "interactive", "priority")]
    [InlineData("scale", "interactive", "scale")]
    [InlineData("flex", "background", "flex")]
    [InlineData("auto", "default", "default")]
    [InlineData("priority", "batch", "flex")] // A header said otherwise, and headers count for more.
    public void It_is_the_one_that_was_used(string? asked, string className, string? used) =>
        Assert.Equal(used, ServiceTiers.Used(asked, className));

    [Theory]
    [InlineData(",\"service_tier\":\"fast\"", "priority")]
    [InlineData(",\"service_tier\":\"flex\"", "flex")]
    [InlineData(",\"service_tier\":\"auto\"", "default")]
    public async Task Answers_say_it_to_callers_that_asked(string more, string tier)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var whole = await (await gateway.ChatAsync(more)).JsonAsync();
        var events = await (await gateway.ChatAsync(more + ",\"stream\":true")).EventsAsync();
        var silent = await (await gateway.ChatAsync()).JsonAsync();

        Assert.Equal(tier, whole.GetProperty("service_tier").GetString());
        Assert.All(events.SkipLast(1), e => Assert.Contains($"\"service_tier\":\"{tier}\"", e, StringComparison.Ordinal));
        Assert.False(silent.TryGetProperty("service_tier", out _));
    }
}
