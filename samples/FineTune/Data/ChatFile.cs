using System.Text.Json;
using Mdl.Runtime.Text.Chat;

namespace Ling.FineTune.Data;

/// <summary>Conversations, one JSON object a line: <c>{"messages":[{"role":"user","content":".."},{"role":"assistant","content":".."}]}</c>.</summary>
public static class ChatFile
{
    private const string Roles = "system, user, assistant, tool";

    /// <summary>All conversations with their line numbers; blank lines are none.</summary>
    /// <exception cref="UsageException">A line is not as it must be; the message has its number.</exception>
    public static List<(int Line, IReadOnlyList<ChatMessage> Messages)> Read(string path)
    {
        var conversations = new List<(int, IReadOnlyList<ChatMessage>)>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                conversations.Add((number, Parse(line, $"{path}({number})")));
            }
        }

        return conversations;
    }

    private static List<ChatMessage> Parse(string line, string place)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("messages", out var items) || items.ValueKind != JsonValueKind.Array)
            {
                throw new UsageException($"{place}: it must be an object with a list \"messages\".");
            }

            var messages = items.EnumerateArray().Select((item, i) => Message(item, $"{place}: messages[{i}]")).ToList();
            return messages.Exists(m => m.Role == ChatRole.Assistant) ? messages : throw new UsageException($"{place}: it has no answer, a message of role \"assistant\".");
        }
        catch (JsonException exception)
        {
            throw new UsageException($"{place}: not JSON: {exception.Message}");
        }
    }

    private static ChatMessage Message(JsonElement item, string place)
    {
        string Text(string key) =>
            item.ValueKind == JsonValueKind.Object && item.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString()!
                : throw new UsageException($"{place} must have a string \"{key}\".");

        var (role, content) = (Text("role"), Text("content"));
        ChatRole? known = role switch
        {
            "system" => ChatRole.System,
            "user" => ChatRole.Human,
            "assistant" => ChatRole.Assistant,
            "tool" => ChatRole.Observation,
            _ => null,
        };
        return known switch
        {
            null => throw new UsageException($"{place} has the role \"{role}\"; roles are {Roles}."),
            ChatRole.Assistant when content.Length == 0 => throw new UsageException($"{place} is an empty answer; there is nothing to learn from it."),
            { } speaker => new ChatMessage(speaker, content),
        };
    }
}
