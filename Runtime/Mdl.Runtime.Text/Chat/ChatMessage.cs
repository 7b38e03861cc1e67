namespace Mdl.Runtime.Text.Chat;

/// <summary>Who speaks.</summary>
public enum ChatRole
{
    /// <summary>Instructions; "system" elsewhere.</summary>
    System,

    /// <summary>The user.</summary>
    Human,

    /// <summary>The model.</summary>
    Assistant,

    /// <summary>What a tool gave back; "tool" elsewhere.</summary>
    Observation,
}

/// <summary>A message of a conversation.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">What is said; never markup, whatever it looks like.</param>
public sealed record ChatMessage(ChatRole Role, string Content);
