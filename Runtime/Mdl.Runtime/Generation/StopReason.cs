namespace Mdl.Runtime.Generation;

/// <summary>Why a generated text ended.</summary>
public enum StopReason
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>A stop token was drawn.</summary>
    StopToken,

    /// <summary>As many tokens as asked for were generated.</summary>
    MaxTokens,

    /// <summary>The key/value cache is full.</summary>
    Capacity,

    /// <summary>It was cancelled.</summary>
    Canceled,
}
