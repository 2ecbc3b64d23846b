using System.Net;
using System.Text;
using System.Text.Json;

namespace Sluice.Gateway.Tests;

public sealed class FileEndpointTests
{
    [Fact]
    public async Task A_file_is_uploaded_shown_read_and_deleted()
    {
        await using var gateway = await BatchGateway.StartAsync();

        var file = await (await gateway.UploadAsync("one\ntwo\n")).JsonAsync();

        Assert.Equal("file", file.GetProperty("object").GetString());
        Assert.Equal(8, file.GetProperty("bytes").GetInt32());
        Assert.Equal("lines.jsonl", file.GetProperty("filename").GetString());
        Assert.Equal("batch", file.GetProperty("purpose").GetString());
        var id = file.GetProperty("id").GetString()!;
        Assert.Equal(file.ToString(), (await (await gateway.Client.GetAsync($"/v1/files/{id}")).JsonAsync()).ToString());
        Assert.Equal("one\ntwo\n", await gateway.Client.GetStringAsync($"/v1/files/{id}/content"));

        var deleted = await (await gateway.Client.DeleteAsync($"/v1/files/{id}")).JsonAsync();
        Assert.True(deleted.GetProperty("deleted").GetBoolean());
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.Client.GetAsync($"/v1/files/{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.Client.DeleteAsync($"/v1/files/{id}")).StatusCode);
    }

    [Fact]
    public async Task A_list_has_pages()
    {
        await using var gateway = await BatchGateway.StartAsync();
        for (var i = 0; i < 3; i++) await gateway.UploadAsync("x", name: $"{i}.jsonl");

        var first = await (await gateway.Client.GetAsync("/v1/files?limit=2&purpose=batch")).JsonAsync();
        var last = first.GetProperty("last_id").GetString();
        var second = await (await gateway.Client.GetAsync($"/v1/files?limit=2&after={last}")).JsonAsync();

        Assert.True(first.GetProperty("has_more").GetBoolean());
        Assert.False(second.GetProperty("has_more").GetBoolean());
        Assert.Equal(["2.jsonl", "1.jsonl", "0.jsonl"], Names(first).Concat(Names(second)));
        Assert.Empty(Names(await (await gateway.Client.GetAsync("/v1/files?purpose=vision")).JsonAsync()));

        static IEnumerable<string> Names(JsonElement list) =>
            list.GetProperty("data").EnumerateArray().Select(f => f.GetProperty("filename").GetString()!);
    }

    [Theory]
    [InlineData("?limit=0", "limit")]
    [InlineData("?limit=many", "limit")]
    [InlineData("?order=up", "order")]
    public async Task A_wrong_page_is_explained(string query, string param)
    {
        await using var gateway = await BatchGateway.StartAsync();

        var response = await gateway.Client.GetAsync("/v1/files" + query);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, (await response.JsonAsync()).GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task Fields_may_come_after_the_file_and_say_when_it_expires()
    {
        await using var gateway = await BatchGateway.StartAsync();
        var form = new MultipartFormDataContent
        {
            { new ByteArrayContent("x"u8.ToArray()), "file", "a.jsonl" },
            { new StringContent("created_at"), "expires_after[anchor]" },
            { new StringContent("3600"), "expires_after[seconds]" },
            { new StringContent("batch"), "purpose" },
        };

        var file = await (await gateway.Client.PostAsync("/v1/files", form)).JsonAsync();

        Assert.Equal(3600, file.GetProperty("expires_at").GetInt64() - file.GetProperty("created_at").GetInt64());
    }

    [Fact]
    public async Task A_file_over_the_limit_is_refused_and_leaves_nothing()
    {
        await using var gateway = await BatchGateway.StartAsync(new BatchOptions { FileBytesMax = 1000 }, null, null);

        var response = await gateway.UploadAsync(new string('x', 1001));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("file_too_large", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, await gateway.Store.Files.SweepAsync(now: 0, abandonedBefore: long.MaxValue, default));
    }

    [Theory]
    [InlineData("", "'purpose'")]
    [InlineData("lunch", "'purpose' is 'lunch'")]
    public async Task A_file_without_a_purpose_is_refused(string purpose, string says)
    {
        await using var gateway = await BatchGateway.StartAsync();

        var response = await gateway.UploadAsync("x", purpose);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(says, (await response.JsonAsync()).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json", "{}")]
    [InlineData("multipart/form-data", "")]
    [InlineData("multipart/form-data; boundary=x", "--x\r\nContent-Disp")]
    [InlineData("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--x--")]
    public async Task A_broken_form_is_explained(string type, string body)
    {
        await using var gateway = await BatchGateway.StartAsync();
        var content = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        var response = await gateway.Client.PostAsync("/v1/files", content);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.NotEmpty((await response.JsonAsync()).GetProperty("error").GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task Another_tenants_file_is_one_that_does_not_exist()
    {
        await using var gateway = await BatchGateway.StartAsync(new(), new CallersByHeader(), null);
        var file = await (await gateway.UploadAsync("secret", "batch", "a.jsonl", ("tenant", "a"))).JsonAsync();
        var id = file.GetProperty("id").GetString()!;

        foreach (var (method, path) in new[] { ("GET", id), ("DELETE", id), ("GET", id + "/content") })
        {
            var theirs = await SendAsync(method, $"/v1/files/{path}");
            var nobodys = await SendAsync(method, $"/v1/files/{path.Replace(id, "file-none", StringComparison.Ordinal)}");
            Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
            Assert.Equal(
                await nobodys.Content.ReadAsStringAsync(),
                (await theirs.Content.ReadAsStringAsync()).Replace(id, "file-none", StringComparison.Ordinal));
        }

        async Task<HttpResponseMessage> SendAsync(string method, string path)
        {
            var request = new HttpRequestMessage(new(method), path);
            request.Headers.Add("tenant", "b");
            return await gateway.Client.SendAsync(request);
        }
    }

    [Theory]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData("""C:\Windows\win.ini""", "win.ini")]
    [InlineData("..", "file")]
    [InlineData("a\r\nb\0c", "abc")]
    [InlineData("", "file")]
    [InlineData("größe.jsonl", "größe.jsonl")]
    public void A_name_is_a_label_and_never_a_path(string given, string label) => Assert.Equal(label, FileUploads.Label(given));

    [Fact]
    public void A_long_name_is_cut() => Assert.Equal(255, FileUploads.Label(new string('x', 1000)).Length);
}
