// Push a response, read what became of it, verify a webhook. .NET 10+: dotnet run Answerback.cs
// (before it: as Program.cs of a console project). Nothing to install.
//
// dotnet run Answerback.cs push r-77 c7@example.test 9
// dotnet run Answerback.cs state r-77
// dotnet run Answerback.cs signed r-78 c8@example.test 3    ANSWERBACK_HOOK, ANSWERBACK_SECRET
// dotnet run Answerback.cs verify < body                    WEBHOOK_ID, _TIMESTAMP, _SIGNATURE, _SECRET

using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

const int Tries = 6;
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };

switch (args[0])
{
    case "push":
        Console.WriteLine(await Call(HttpMethod.Post, Env("ANSWERBACK_URL") + "/api/v1/responses", Response(), Authorize));
        break;
    case "state":
        var path = "/api/v1/responses/" + Uri.EscapeDataString(args[1]);
        Console.WriteLine(await Call(HttpMethod.Get, Env("ANSWERBACK_URL") + path, null, Authorize));
        break;
    case "signed": // Push without a key, to a source's own address.
        var body = Response();
        var id = "msg_" + Guid.NewGuid().ToString("N");
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString();
        Console.WriteLine(await Call(HttpMethod.Post, Env("ANSWERBACK_HOOK"), body, request =>
        {
            request.Headers.Add("webhook-id", id);
            request.Headers.Add("webhook-timestamp", timestamp);
            request.Headers.Add("webhook-signature", Signature(Env("ANSWERBACK_SECRET"), id, timestamp, body));
        }));
        break;
    case "verify":
        using (var raw = new MemoryStream())
        {
            Console.OpenStandardInput().CopyTo(raw);
            Console.WriteLine(Verify(raw.ToArray()) ? "good" : "bad");
        }
        break;
}

// One request; 429 and 503 are tried again when they say, which cannot double anything.
async Task<string> Call(HttpMethod method, string url, byte[]? body, Action<HttpRequestMessage> prepare)
{
    for (var number = 1; ; number++)
    {
        using var request = new HttpRequestMessage(method, url);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        prepare(request);
        using var answer = await http.SendAsync(request);
        var told = await answer.Content.ReadAsStringAsync();
        if (answer.IsSuccessStatusCode) return told;
        if ((int)answer.StatusCode is not (429 or 503) || number == Tries)
        {
            var problem = JsonNode.Parse(told)!;
            throw new Exception($"{problem["code"]}: {problem["mend"]} {problem["errors"]?.ToJsonString()}");
        }
        await Task.Delay(answer.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(Math.Pow(2, number)));
    }
}

void Authorize(HttpRequestMessage request) =>
    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Env("ANSWERBACK_KEY"));

byte[] Response() => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
{
    ["response_id"] = args[1],
    ["submitted_at"] = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
    ["respondent"] = new JsonObject { ["email"] = args[2] },
    ["answers"] = new JsonObject { ["nps"] = new JsonObject { ["type"] = "nps", ["value"] = int.Parse(args[3]) } },
});

// Standard Webhooks: HMAC-SHA256 over id.timestamp.body, in base64.
string Signature(string secret, string id, string timestamp, byte[] body)
{
    var key = Convert.FromBase64String(secret.Replace("whsec_", ""));
    byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
    return "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
}

// Whether we sent this. Keep the ids of the last days: a repeat has the same one.
bool Verify(byte[] body)
{
    var timestamp = Env("WEBHOOK_TIMESTAMP");
    if (Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(timestamp)) > 300) return false;
    var wanted = Encoding.UTF8.GetBytes(Signature(Env("WEBHOOK_SECRET"), Env("WEBHOOK_ID"), timestamp, body));
    return Env("WEBHOOK_SIGNATURE").Split(' ')
        .Any(one => CryptographicOperations.FixedTimeEquals(wanted, Encoding.UTF8.GetBytes(one)));
}

string Env(string name) => Environment.GetEnvironmentVariable(name) ?? throw new Exception($"set {name}");
