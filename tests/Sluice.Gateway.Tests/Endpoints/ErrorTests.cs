using System.Net;

namespace Sluice.Gateway.Tests;

public sealed class ErrorTests
{
    public static TheoryData<string, string, string> Broken => new()
    {
        { "", "invalid_request", "empty" },
        { "[1]", "invalid_request", "object" },
        { """{"model":"m",""", "invalid_json", "line 1" },
        { """{"model":"m"} x""", "invalid_json", "line 1" },
        { """{"model":7}""", "invalid_type", "'model' must be a string" },
        { """{"model":"m","stream":"yes"}""", "invalid_type", "'stream' must be true or false" },
        { """{"model":"m","max_tokens":"many"}""", "invalid_type", "max_tokens" },
        { """{"messages":[]}""", "missing", "'model' is missing" },
        { """{"model":"m","service_tier":"gold"}""", "invalid_value", "service_tier" },
    };

    [Theory, MemberData(nameof(Broken))]
    public async Task A_body_that_cannot_be_used_is_explained(string body, string code, string says)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.PostAsync("/v1/chat/completions", body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Contains(says, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(response.Header("x-request-id"));
    }

    [Fact]
    public async Task A_model_that_nobody_has_is_404_with_the_nearest_name()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream("f", "llama-3-8b"));

        var response = await gateway.PostAsync("/v1/chat/completions", """{"model":"llama-3-8B","messages":[]}""");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal("model_not_found", error.GetProperty("code").GetString());
        Assert.Contains("llama-3-8b", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_whether_its_length_is_said_or_not()
    {
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { BodyBytesMax = 1000 }, null, new FakeUpstream());
        var body = TestGateway.Chat(text: new string('x', 2000));

        var said = await gateway.PostAsync("/v1/chat/completions", body);
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body) };
        request.Headers.TransferEncodingChunked = true;
        var unsaid = await gateway.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, said.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, unsaid.StatusCode);
        Assert.Equal("body_too_large", (await unsaid.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, gateway.Services.Bodies.Held);
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completion", 404, "did you mean '/v1/chat/completions'?")]
    [InlineData("GET", "/v1/chat/completions", 405, "does not answer GET")]
    [InlineData("POST", "/", 404, "There is no /")]
    public async Task An_address_that_is_not_there_is_explained(string method, string path, int status, string says)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.Client.SendAsync(new(new HttpMethod(method), path));

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(says, (await response.JsonAsync()).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}
