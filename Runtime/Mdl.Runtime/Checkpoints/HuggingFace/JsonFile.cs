using System.Text.Json;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Reads the JSON files of a folder.</summary>
internal static class JsonFile
{
    private const long LargestLength = 1 << 27;

    /// <summary>The document of a file that holds one object.</summary>
    /// <exception cref="SafetensorsException">The file cannot be read, is too large, or is not a JSON object.</exception>
    public static JsonDocument Open(string path)
    {
        JsonDocument document;
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > LargestLength)
            {
                throw new SafetensorsException($"{path}: is larger than {LargestLength} bytes.");
            }

            document = JsonDocument.Parse(stream);
        }
        catch (Exception exception) when (exception is JsonException or UnauthorizedAccessException or (IOException and not SafetensorsException))
        {
            throw new SafetensorsException($"{path}: cannot be read: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }

        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            document.Dispose();
            throw new SafetensorsException($"{path}: is not a JSON object.");
        }

        return document;
    }
}
