using System.Text.Json;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>A JSON value that knows its file and key, for errors that say where they are.</summary>
internal sealed class JsonNodeReader(string file, JsonElement element, string key = "")
{
    public TokenizerException Error(string problem) => new($"{file}: {(key.Length == 0 ? "the file" : key)} {problem}.");

    public JsonNodeReader Object(string name) => Optional(name) ?? throw Error($"has no '{name}'");

    /// <summary>The member, or null if it is missing or null.</summary>
    public JsonNodeReader? Optional(string name)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Error($"is {Shown()}; it must be an object");
        }

        return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new JsonNodeReader(file, value, key.Length == 0 ? name : $"{key}.{name}")
            : null;
    }

    public string Text(string name) => Object(name).String();

    public string? OptionalText(string name) => Optional(name)?.String();

    public bool Flag(string name, bool missing) => Optional(name) is not { } value ? missing : value.Boolean();

    public int Integer() => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var value) && value >= 0
        ? value
        : throw Error($"is {Shown()}; it must be a whole number that is not negative");

    public string String() => element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Error($"is {Shown()}; it must be a string");

    public IEnumerable<(string Name, JsonNodeReader Value)> Members()
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Error($"is {Shown()}; it must be an object");
        }

        return element.EnumerateObject().Select(p => (p.Name, new JsonNodeReader(file, p.Value, $"{key}.{p.Name}")));
    }

    public IEnumerable<JsonNodeReader> Items(string name) => Object(name).Elements();

    public IEnumerable<JsonNodeReader> OptionalItems(string name) => Optional(name)?.Elements() ?? [];

    /// <summary>A single integer or several.</summary>
    public IEnumerable<int> Integers() => element.ValueKind == JsonValueKind.Array ? Elements().Select(e => e.Integer()) : [Integer()];

    /// <summary>"left right" or ["left", "right"].</summary>
    public (string Left, string Right) PairOfStrings()
    {
        string[] parts = element.ValueKind == JsonValueKind.String ? element.GetString()!.Split(' ') : [.. Elements().Select(e => e.String())];
        return parts.Length == 2 && parts.All(p => p.Length > 0) ? (parts[0], parts[1]) : throw Error($"is {Shown()}; it must name two tokens");
    }

    public void Require(string name, string value) => RequireOneOf(name, value);

    public void RequireOneOf(string name, params string[] values)
    {
        var found = Object(name);
        if (!values.Contains(found.String()))
        {
            throw found.Error($"is {found.Shown()}, which is not supported; supported: {string.Join(", ", values.Select(v => $"\"{v}\""))}");
        }
    }

    /// <summary>Throws unless the member is missing, null, false, 0 or empty.</summary>
    public void RequireAbsent(string name)
    {
        if (Optional(name) is { } value && value.Shown() is not ("false" or "0" or "0.0" or "\"\""))
        {
            throw value.Error($"is {value.Shown()}, which is not supported");
        }
    }

    private bool Boolean() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error($"is {Shown()}; it must be true or false"),
    };

    private IEnumerable<JsonNodeReader> Elements()
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw Error($"is {Shown()}; it must be an array");
        }

        return element.EnumerateArray().Select((e, i) => new JsonNodeReader(file, e, $"{key}[{i}]"));
    }

    private string Shown()
    {
        var text = element.ValueKind == JsonValueKind.String ? $"\"{element.GetString()}\"" : element.GetRawText();
        return text.Length <= 120 ? text : text[..120] + "...";
    }
}
