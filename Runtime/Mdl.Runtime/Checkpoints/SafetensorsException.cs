namespace Mdl.Runtime.Checkpoints;

/// <summary>A safetensors file is damaged, hostile, or does not hold what was asked for. The message is one line that names the file.</summary>
public sealed class SafetensorsException : IOException
{
    /// <summary>Creates the exception.</summary>
    public SafetensorsException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public SafetensorsException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}
